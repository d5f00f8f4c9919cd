"""Tests of workers behind a PgBouncer: they find out what kind it is, and leave nothing with strangers."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import psycopg
import pytest

from pgqueue import AsyncClient, JobRecord, current_job, task
from pgqueue.drivers.own import OwnAsyncConnection, options_for
from pgqueue.worker.session import is_shared
from tests.pgbouncer import pgbouncer
from tests.waiting import until
from tests.worker.conftest import Look, Running, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
NO_LOCKS = """
    select count(*) = 0 from pg_locks
    where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())
"""
SOON = {"poll": timedelta(milliseconds=100)}


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


@pytest.fixture
async def client(pooled: str) -> AsyncIterator[AsyncClient]:
    """Enqueues through the pooler."""
    async with AsyncClient(pooled) as client:
        yield client


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[str], int]:
    """How many warnings of the worker hold this word."""
    caplog.set_level(logging.WARNING, "pgqueue.worker")
    return lambda word: sum(word in record.getMessage() for record in caplog.records)


def polls(worker: Running) -> bool:
    sentry = getattr(worker.worker, "_sentry", None)
    return sentry is not None and not sentry.has_guard


async def test_a_worker_whose_session_is_shared_polls_and_says_so_once(
    pooled: str,
    client: AsyncClient,
    run_worker: RunWorker,
    ended: Ended,
    warnings: Callable[[str], int],
) -> None:
    worker = run_worker(quick, dsn=pooled, settings=SOON)
    records = [await ended(await client.enqueue(quick.job())) for _ in range(5)]

    assert [record.result for record in records] == [1] * 5
    assert polls(worker)
    assert warnings("watch_dsn") == 1


async def test_it_leaves_no_lock_and_no_record_of_a_living_worker(
    pooled: str, client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    run_worker(quick, dsn=pooled, settings=SOON)
    await ended(await client.enqueue(quick.job()))

    await until(lambda: look(NO_LOCKS))
    assert await look("select count(*) from pgqueue.workers") == 0


async def test_two_workers_behind_a_pooler_do_not_take_each_others_answers(
    pooled: str, client: AsyncClient, run_worker: RunWorker
) -> None:
    workers = [run_worker(quick, dsn=pooled, settings=SOON) for _ in range(4)]
    for _ in range(20):
        await client.enqueue_many(quick.job() for _ in range(20))

    await until(lambda: sum(worker.counts.succeeded for worker in workers) == 400)
    assert sum(worker.counts.lost for worker in workers) == 0


async def test_strangers_behind_the_pooler_find_their_sessions_as_they_were(
    pooled: str, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    run_worker(quick, dsn=pooled, settings=SOON)
    await ended(await client.enqueue(quick.job()))
    seen = []
    async with await psycopg.AsyncConnection.connect(
        pooled, autocommit=True, prepare_threshold=None
    ) as stranger:
        for setting in ("synchronous_commit", "lock_timeout", "idle_session_timeout"):
            cursor = await stranger.execute("select current_setting(%s)", [setting])
            seen.append(await cursor.fetchone())

    assert seen == [("on",), ("0",), ("0",)]


async def test_a_worker_told_to_poll_only_works_behind_a_pooler(
    pooled: str, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    run_worker(quick, dsn=pooled, poll_only=True, settings=SOON)

    assert (await ended(await client.enqueue(quick.job()))).result == 1


async def test_with_a_direct_connection_beside_the_pooler_it_is_woken(
    pooled: str, dsn: str, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    worker = run_worker(quick, dsn=pooled, watch_dsn=dsn)  # the net is a minute away
    for _ in range(3):
        await worker.asleep()

        assert (await ended(await client.enqueue(quick.job()))).result == 1


async def test_a_direct_connection_that_is_none_is_found_out_too(
    pooled: str, client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick, dsn=pooled, watch_dsn=f"{pooled}&application_name=guard", settings=SOON)
    record = await ended(await client.enqueue(quick.job()))

    assert record.result == 1
    assert polls(worker)
    await until(lambda: look(NO_LOCKS))


async def test_behind_a_pooler_of_sessions_it_is_woken(
    pooled_by_session: str, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    worker = run_worker(quick, dsn=pooled_by_session)
    for _ in range(3):
        await worker.asleep()

        assert (await ended(await client.enqueue(quick.job()))).result == 1


@pytest.mark.parametrize(("mode", "size"), [("transaction", 1), ("transaction", 20), ("session", 20)])
async def test_whether_a_session_is_shared_is_told_by_a_second_connection(
    dsn: str, mode: str, size: int
) -> None:
    with pgbouncer(dsn, mode=mode, servers=size) as pooled:
        options = options_for(pooled, prepare=True)
        async with await OwnAsyncConnection.connect(pooled, **options) as connection:
            assert connection.is_pooled
            assert await is_shared(connection, pooled, options) == (mode == "transaction")


async def test_a_second_connection_that_is_refused_tells_nothing(pooled_by_session: str) -> None:
    """Taken for shared in a moment of trouble, a worker would only poll for the rest of its life."""
    options = options_for(pooled_by_session, prepare=True)
    async with await OwnAsyncConnection.connect(pooled_by_session, **options) as connection:
        with pytest.raises(psycopg.OperationalError):
            await is_shared(connection, "host=/nowhere", options)


async def test_without_a_pooler_a_session_is_ours(dsn: str) -> None:
    options = options_for(dsn, prepare=True)
    async with await OwnAsyncConnection.connect(dsn, **options) as connection:
        assert not await is_shared(connection, "host=/nowhere", options)
