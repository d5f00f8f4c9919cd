"""Tests of a server that restarts, is down, or refuses what it is told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from pgqueue import AsyncClient, JobRecord, current_job, task
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade
from tests.waiting import until
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, to stop and start."""
    with EmbeddedPostgres(settings={"fsync": "off"}) as postgres:
        upgrade(postgres.dsn())
        yield postgres


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


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
