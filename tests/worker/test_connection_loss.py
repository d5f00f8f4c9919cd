"""Tests of lost connections: the worker goes on, and each outcome is recorded once."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgqueue import AsyncClient, Fixed, JobRecord, current_job, task
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import Look, Running, RunWorker
from tests.worker.proxy import Link, Proxy

Ended = Callable[[int], Awaitable[JobRecord]]
AT_ONCE = Fixed(timedelta(0))
CLAIMS = "select count(*) from pgqueue.claims"
MISSED = "select count(*) from pgqueue.absent_workers(0)"
TERMINATE = """
    select count(pg_terminate_backend(pid))
    from pg_stat_activity
    where datname = current_database() and application_name = 'pgqueue' and pid = any (%s)
"""
LISTENERS = """
    select array_agg(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'pgqueue' and query ilike 'listen%%'
"""


def line_pid(running: Running) -> int:
    pid = running.worker._connections.line.backend_pid
    assert pid is not None
    return pid


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="pgqueue-") as folder:
        async with Proxy(dsn, Path(folder)).running() as proxy:
            yield proxy


@pytest.fixture
async def housekeeper(run_worker: RunWorker) -> Running:
    """Another worker, which keeps the house: over the lines of those that come later go only jobs."""
    keeper = run_worker(queues=["elsewhere"])
    await until(lambda: getattr(keeper.worker, "_steward", None) and keeper.worker._steward._is_on_duty)
    return keeper


async def mute(running: Running, link: Link) -> None:
    """From now on the answers on its line are lost; none is under way."""
    async with running.worker._connections.line.quiet(PATIENCE_SECONDS):
        link.is_muted = True


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, to stop and start."""
    with EmbeddedPostgres(settings={"fsync": "off"}) as postgres:
        upgrade(postgres.dsn())
        yield postgres


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


async def test_a_worker_whose_line_is_cut_while_it_sleeps_comes_back_and_is_woken(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick)
    await worker.asleep()
    old = line_pid(worker)
    await look(TERMINATE, [old])
    await until(lambda: worker.worker._connections.line.backend_pid not in {None, old})
    await worker.asleep()
    record = await ended(await client.enqueue(quick.job()))

    assert (record.state, record.result) == ("succeeded", 1)


async def test_a_worker_whose_ears_are_cut_hears_again(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick)
    await worker.asleep()
    await look(TERMINATE, await look(LISTENERS))
    await until(lambda: not worker.worker._sentry.has_ears)
    await worker.asleep()
    record = await ended(await client.enqueue(quick.job()))

    assert record.state == "succeeded"


async def test_a_job_enqueued_while_the_ears_were_cut_is_found_when_they_are_back(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick)
    await worker.asleep()
    await look(TERMINATE, await look(LISTENERS))

    assert (await ended(await client.enqueue(quick.job()))).state == "succeeded"


async def test_a_job_that_runs_while_the_line_breaks_is_told_afterwards(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> str:
        began.set()
        await go.wait()
        return "told"

    worker = run_worker(work)
    job = await client.enqueue(work.job())
    await began.wait()
    await look(TERMINATE, [line_pid(worker)])
    go.set()
    record = await ended(job)

    assert (record.result, record.attempt) == ("told", 1)
    assert worker.counts.lost == 0


@pytest.mark.parametrize("victims", ["line", "all"])
async def test_under_load_and_cut_again_and_again_every_job_succeeds_once(
    client: AsyncClient, run_worker: RunWorker, look: Look, victims: str
) -> None:
    ran = Counter[int]()

    @task(name="count", max_attempts=100, backoff=AT_ONCE)
    async def count(number: int) -> None:
        ran[number] += 1
        if number % 10 == 0:
            await asyncio.sleep(0.01)

    number_of_jobs = 6000
    jobs = await client.enqueue_many(count.job(number=number) for number in range(number_of_jobs))
    workers = [run_worker(count, settings={"concurrency": 20}) for _ in range(2)]
    for share in range(1, 9):
        await until(partial(has_reached, ran, number_of_jobs * share // 10))
        pids = (
            [pid for pid in (w.worker._connections.line.backend_pid for w in workers) if pid]
            if victims == "line"
            else await workers_pids(look)
        )
        await look(TERMINATE, pids)
    await until(
        lambda: look("select count(*) = %s from pgqueue.outcomes where state = 'succeeded'", len(jobs))
    )
    for worker in workers:
        await worker.stop()

    assert set(ran) == set(range(number_of_jobs))
    assert await look("select count(distinct job_id) from pgqueue.outcomes where state = 'succeeded'") == len(
        jobs
    )
    assert await look(CLAIMS) == 0
    assert await look("select count(*) from pgqueue.ready") == 0


def has_reached(ran: Counter[int], count: int) -> bool:
    return len(ran) > count


async def workers_pids(look: Look) -> list[int]:
    """All that workers hold here: what is connected under our name and is not the client's pool."""
    found: list[int] = await look(
        "select coalesce(array_agg(pid), '{}') from pg_stat_activity"
        " where datname = current_database() and application_name = 'pgqueue'"
    )
    return found


@pytest.mark.usefixtures("housekeeper")
async def test_a_claim_whose_answer_is_lost_is_handed_back_unspent(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, proxy: Proxy
) -> None:
    worker = run_worker(quick, dsn=proxy.dsn)
    await worker.asleep()
    await mute(worker, proxy.links[0])
    job = await client.enqueue(quick.job())
    await until(lambda: look(CLAIMS))
    proxy.links[0].cut()
    record = await ended(job)

    assert [(attempt.number, attempt.state) for attempt in record.attempts] == [(1, "succeeded")]
    assert record.result == 1


@pytest.mark.usefixtures("housekeeper")
async def test_a_report_whose_answer_is_lost_is_recorded_once(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, proxy: Proxy
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task
    async def work() -> None:
        began.set()
        await go.wait()

    worker = run_worker(work, dsn=proxy.dsn)
    job = await client.enqueue(work.job())
    await began.wait()
    await mute(worker, proxy.links[0])
    go.set()
    await until(lambda: look("select count(*) from pgqueue.outcomes"))
    proxy.links[0].cut()
    await until(lambda: worker.counts.lost)
    record = await ended(job)

    assert [attempt.state for attempt in record.attempts] == ["succeeded"]
    assert await look(CLAIMS) == 0


async def test_while_an_older_session_lingers_it_speaks_for_the_worker_and_then_the_new_one_does(
    run_worker: RunWorker, look: Look, proxy: Proxy
) -> None:
    worker = run_worker(quick, dsn=proxy.dsn)
    await worker.asleep()
    connections = worker.worker._connections
    old = proxy.links[0]
    old.keeps_server = True
    old.cut()
    await until(lambda: connections.line.is_connected and not connections.is_joined)
    missed_while_it_lingers = await look(MISSED)
    old.cut_server()
    await until(lambda: connections.is_joined)

    assert missed_while_it_lingers == 0
    assert await look(MISSED) == 0


async def test_a_claim_that_a_lingering_session_makes_after_all_is_handed_back(
    client: AsyncClient, run_worker: RunWorker, look: Look, proxy: Proxy
) -> None:
    worker = run_worker(quick, dsn=proxy.dsn)
    await worker.asleep()
    old = proxy.links[0]
    old.keeps_server = True
    old.cut()
    await until(lambda: not worker.worker._connections.is_joined)
    await client.enqueue(quick.job(), queue="elsewhere")
    await client.claim("elsewhere")  # stands for the one the old session was about to make
    await look("update pgqueue.claims set worker = %s returning id", worker.worker._connections.worker)
    old.cut_server()

    await until(lambda: look("select count(*) from pgqueue.ready where queue = 'elsewhere' and attempt = 0"))


async def test_a_restart_of_the_server_is_survived(
    own_postgres: EmbeddedPostgres, run_worker: RunWorker
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> int:
        began.set()
        await go.wait()
        return current_job().attempt

    worker = run_worker(work, dsn=own_postgres.dsn())
    async with AsyncClient(own_postgres.dsn()) as client:
        job = await client.enqueue(work.job())
        await began.wait()
    await asyncio.to_thread(own_postgres.restart)
    go.set()
    async with AsyncClient(own_postgres.dsn()) as client:
        record = await client.wait(job, timeout=timedelta(seconds=20))
        await worker.asleep()
        after = await client.wait(await client.enqueue(work.job()), timeout=timedelta(seconds=20))

    assert (record.state, record.result) == ("succeeded", 1)
    assert after.state == "succeeded"


async def test_a_worker_stops_while_the_server_is_down(
    own_postgres: EmbeddedPostgres, run_worker: RunWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgqueue.worker.worker.STOP_MARGIN_SECONDS", 0.2)
    began = asyncio.Event()

    @task
    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    worker = run_worker(hang, dsn=own_postgres.dsn(), settings={"grace": timedelta(seconds=0.1)})
    async with AsyncClient(own_postgres.dsn()) as client:
        await client.enqueue(hang.job())
        await began.wait()
    await asyncio.to_thread(own_postgres.stop)
    await until(lambda: not worker.worker._connections.line.is_connected)
    await worker.stop()

    assert not worker.worker.has_strays


async def test_an_idle_worker_stops_at_once_while_the_server_is_down(
    own_postgres: EmbeddedPostgres, run_worker: RunWorker
) -> None:
    worker = run_worker(quick, dsn=own_postgres.dsn(), settings={"grace": timedelta(hours=1)})
    await worker.asleep()
    await asyncio.to_thread(own_postgres.stop)
    await until(lambda: not worker.worker._connections.line.is_connected)

    await worker.stop()


async def test_an_ending_the_server_refuses_buries_its_job_and_no_other(
    client: AsyncClient,
    run_worker: RunWorker,
    ended: Ended,
    async_connection: psycopg.AsyncConnection[object],
) -> None:
    @task(name="say", keep_result=True)
    async def say(word: str) -> str:
        return word

    await async_connection.execute(
        "alter table pgqueue.outcomes add constraint no_bad_words check (result <> '\"bad\"')"
    )
    words = ["good", "bad", "better"]
    jobs = await client.enqueue_many(say.job(word=word) for word in words)
    run_worker(say)
    records = [await ended(job) for job in jobs]

    assert [record.state for record in records] == ["succeeded", "dead", "succeeded"]
    assert records[1].error is not None
    assert "no_bad_words" in records[1].error["message"]


async def test_an_ending_that_cannot_be_stored_at_all_does_not_wedge_the_worker(
    client: AsyncClient,
    run_worker: RunWorker,
    ended: Ended,
    async_connection: psycopg.AsyncConnection[object],
) -> None:
    job = await client.enqueue(quick.job())
    await async_connection.execute(
        sql.SQL("alter table pgqueue.outcomes add constraint not_this_one check (job_id <> {})").format(job)
    )
    run_worker(quick)
    others = await client.enqueue_many(quick.job() for _ in range(5))

    assert {(await ended(other)).state for other in others} == {"succeeded"}


REFUSE = """
    create table public.full_disk ();
    create function public.refuse() returns trigger language plpgsql as $$
    begin
        if to_regclass('public.full_disk') is not null then
            raise exception 'no space left' using errcode = '53100';
        end if;
        return new;
    end $$;
    create trigger refuse before insert on pgqueue.outcomes for each row execute function public.refuse();
"""


async def test_what_a_server_in_trouble_refuses_is_told_when_it_is_well_again(
    client: AsyncClient,
    run_worker: RunWorker,
    ended: Ended,
    async_connection: psycopg.AsyncConnection[object],
) -> None:
    await async_connection.execute(REFUSE)
    worker = run_worker(quick)
    job = await client.enqueue(quick.job())
    await until(lambda: worker.worker._pump._refusals >= 2)
    await async_connection.execute("drop table public.full_disk")
    record = await ended(job)

    assert (record.state, record.attempt) == ("succeeded", 1)
    assert worker.counts.lost == 0
