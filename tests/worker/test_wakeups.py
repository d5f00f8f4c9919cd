"""Tests of wakeups: a sleeping worker is woken by what concerns it, long before its slow poll."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, Fixed, JobRecord, Task, current_job, task
from tests.waiting import until
from tests.worker.conftest import Look, Running, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
SOON = timedelta(milliseconds=400)
HEAR_ALL = """
    do $$ begin
        execute format('listen %I', pgqueue.bell_channel('default'));
        execute format('listen %I', pgqueue.watch_channel('default'));
    end $$
"""


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


def busy(began: asyncio.Event, go: asyncio.Event) -> Task[[], Any]:
    """A task that says it has begun, and goes on until it is let go."""

    @task(name="busy")
    async def busy() -> None:
        began.set()
        await go.wait()

    return busy


async def test_an_enqueue_wakes_an_idle_worker(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    worker = run_worker(quick)
    for _ in range(3):
        await worker.asleep()

        assert (await ended(await client.enqueue(quick.job()))).state == "succeeded"


async def test_a_delayed_job_runs_at_its_time(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick)
    await worker.asleep()
    record = await ended(await client.enqueue(quick.job(), delay=SOON))
    began = await look("select claimed_at from pgqueue.attempts")
    since_enqueued = began - record.enqueued_at + timedelta(milliseconds=1)  # which its id tells no finer

    assert SOON <= since_enqueued < SOON + timedelta(seconds=2)


async def test_a_delayed_job_runs_at_its_time_although_a_later_one_was_there_first(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    await client.enqueue(quick.job(), delay=timedelta(hours=1))
    worker = run_worker(quick)
    await worker.asleep()
    job = await client.enqueue(quick.job(), delay=SOON)

    assert (await ended(job)).state == "succeeded"


@pytest.mark.parametrize("asleep_first", [True, False], ids=["begun while it sleeps", "begun before"])
async def test_a_long_transaction_wakes_it_when_it_commits(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str, asleep_first: bool
) -> None:
    worker = run_worker(quick)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        if asleep_first:
            await worker.asleep()
        job = await client.enqueue(quick.job(), connection=connection)
        # Others come and go meanwhile: the floors rise above the moment of that job.
        for _ in range(3):
            await ended(await client.enqueue(quick.job()))
        await asyncio.to_thread(lambda: None)
        await connection.execute("select pg_sleep(1.2)")
        await connection.commit()

    assert (await ended(job)).state == "succeeded"


async def test_a_job_committed_late_that_lies_below_the_floors_is_found_before_it_sleeps(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str
) -> None:
    began, go = asyncio.Event(), asyncio.Event()
    work = busy(began, go)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        job = await client.enqueue(quick.job(), connection=connection)
        run_worker(quick, work, settings={"concurrency": 1})
        await client.enqueue(work.job())
        await began.wait()
        await connection.commit()
        go.set()

    assert (await ended(job)).state == "succeeded"


async def test_each_of_several_queues_wakes_it(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    worker = run_worker(quick, queues=["a", "b", "c"])
    for queue in "abcab":
        await worker.asleep()

        assert (await ended(await client.enqueue(quick.job(), queue=queue))).state == "succeeded"


async def test_one_job_wakes_one_worker(client: AsyncClient, run_worker: RunWorker, ended: Ended) -> None:
    workers = [run_worker(quick) for _ in range(3)]
    for worker in workers:
        await worker.asleep()
    before = [worker.worker._sentry.claim_at for worker in workers]
    await ended(await client.enqueue(quick.job()))
    after = [worker.worker._sentry.claim_at for worker in workers]

    assert sum(worker.counts.succeeded for worker in workers) == 1
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


async def test_a_worker_that_is_full_hands_the_watch_on(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    go = asyncio.Event()
    began = [asyncio.Event() for _ in range(3)]
    works = [busy(event, go) for event in began]
    workers = [run_worker(work, quick, settings={"concurrency": 1}) for work in works]
    for worker in workers:
        await worker.asleep()
    for full in (1, 2):
        await client.enqueue(works[0].job())
        await until(partial(are_set, began, full))
    record = await ended(await client.enqueue(quick.job()))
    go.set()

    assert record.state == "succeeded"
    assert sum(worker.counts.started for worker in workers) == 3


def are_set(events: list[asyncio.Event], count: int) -> bool:
    return sum(event.is_set() for event in events) == count


async def test_when_the_watcher_stops_another_takes_the_watch(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    first = run_worker(quick)
    await first.asleep()
    second = run_worker(quick)
    await second.asleep()
    await first.stop()
    record = await ended(await client.enqueue(quick.job()))

    assert record.state == "succeeded"
    assert second.counts.succeeded == 1


async def test_when_the_watchers_session_dies_another_takes_the_watch(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    first = run_worker(quick)
    await first.asleep()
    second = run_worker(quick)
    await second.asleep()
    await kill(first, look)
    await until(lambda: second.worker._sentry._watched)
    record = await ended(await client.enqueue(quick.job()))

    assert record.state == "succeeded"
    assert second.counts.succeeded == 1


async def kill(running: Running, look: Look) -> None:
    """As if its process were gone at once: its sessions end, and it does not come back."""
    connections = running.worker._connections
    pid = connections.line.backend_pid
    connections.line.dsn = "host=/nowhere"
    await look("select pg_terminate_backend(%s)", pid)


async def test_while_workers_are_busy_nobody_rings(
    client: AsyncClient, run_worker: RunWorker, dsn: str
) -> None:
    ran = Counter[str]()

    @task(name="count")
    async def count() -> None:
        ran["jobs"] += 1

    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as listener:
        await listener.execute(HEAR_ALL)
        worker = run_worker(count)
        await worker.asleep()
        await client.enqueue_many(count.job() for _ in range(2000))
        for _ in range(300):
            await client.enqueue(count.job())
        await until(lambda: ran["jobs"] == 2300)
        heard = [notification.payload async for notification in listener.notifies(timeout=0.1)]

    assert len(heard) < 100


async def test_polling_alone_finds_jobs_too(client: AsyncClient, run_worker: RunWorker, ended: Ended) -> None:
    run_worker(quick, poll_only=True, settings={"poll": timedelta(milliseconds=50)})
    first = await ended(await client.enqueue(quick.job()))
    delayed = await ended(await client.enqueue(quick.job(), delay=SOON))

    assert first.state == delayed.state == "succeeded"


@pytest.mark.parametrize("jobs", [400])
async def test_singles_in_transactions_of_all_lengths_are_all_found(
    client: AsyncClient, run_worker: RunWorker, dsn: str, jobs: int
) -> None:
    ran = Counter[int]()

    @task(name="count", backoff=Fixed(timedelta(0)))
    async def count(number: int) -> None:
        ran[number] += 1

    for _ in range(2):
        run_worker(count)

    async def enqueue_all(start: int) -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            for number in range(start, jobs, 4):
                await client.enqueue(count.job(number=number), connection=connection)
                await connection.execute("select pg_sleep(%s)", [number % 7 * 0.003])
                await connection.commit()

    await asyncio.gather(*(enqueue_all(start) for start in range(4)))
    await until(lambda: len(ran) == jobs)

    assert set(ran.values()) == {1}


async def test_the_time_to_claim_may_pass_between_two_readings_of_the_clock(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pump that finds it too early, and then nothing to wait for, would sleep for ever."""
    worker = run_worker(quick, poll_only=True, settings={"poll": timedelta(milliseconds=50)}).worker
    await until(lambda: getattr(worker, "_pump", None) is not None)
    readings = cycle((-0.001, 0.001))
    monkeypatch.setattr(worker._pump, "_clock", lambda: worker._sentry.claim_at + next(readings))

    states = [(await ended(await client.enqueue(quick.job()))).state for _ in range(3)]

    assert states == ["succeeded"] * 3
