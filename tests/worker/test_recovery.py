"""Tests of workers killed outright: others run their jobs, and what kills its worker dies in the end."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from pgqueue import AsyncClient, JobRecord, current_job, task
from tests.waiting import until
from tests.worker.conftest import Look, RunWorker
from tests.worker.processes import kill, worker_process

Ended = Callable[[int], Awaitable[JobRecord]]
RUNNING = "select count(*) from pgqueue.claims"


async def test_the_jobs_of_a_killed_worker_are_run_by_another_within_seconds(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, dsn: str
) -> None:
    @task(name="hang", keep_result=True)
    async def rescue() -> int:
        return current_job().attempt

    job = await client.enqueue(rescue.job())
    async with worker_process(dsn) as process:
        await until(lambda: look(RUNNING))
        worker = run_worker(rescue)
        await worker.asleep()
        kill(process)
        record = await ended(job)  # in less time than its lease: see the benchmark `recovery`

    assert [attempt.state for attempt in record.attempts] == ["expired", "succeeded"]
    assert record.result == 2


@pytest.mark.slow
async def test_a_job_that_kills_its_worker_dies_with_its_whole_story(
    client: AsyncClient, ended: Ended, look: Look, dsn: str
) -> None:
    @task(name="poison", max_attempts=2)
    async def poison() -> None: ...

    job = await client.enqueue(poison.job())
    for attempt in (1, 2):
        async with worker_process(dsn) as process:
            await process.wait()
        assert process.returncode == -signal.SIGKILL
        await until(partial(look, "select count(*) from pgqueue.held where attempt = %s", attempt))
        await look("update pgqueue.claims set expires_at = pgqueue.now() - interval '1 s' returning id")
        await look("select pgqueue.reap()")
    (letter,) = await client.dead_letters()

    assert letter.id == job
    assert [entry.state for entry in letter.attempts] == ["expired", "dead"]
    assert letter.error is not None
    assert letter.error["type"] == "LeaseExpired"


async def test_two_processes_at_one_queue_run_nothing_twice(
    client: AsyncClient, look: Look, dsn: str
) -> None:
    @task(name="count")
    async def count(number: int) -> None: ...

    await client.enqueue_many(count.job(number=number) for number in range(4000))
    async with worker_process(dsn, "drain") as one, worker_process(dsn, "drain") as other:
        await asyncio.gather(one.wait(), other.wait())

    assert (one.returncode, other.returncode) == (0, 0)
    assert await look("select count(*) from pgqueue.attempts where state = 'succeeded'") == 4000
    assert await look("select count(*) from pgqueue.attempts") == 4000
    assert await look("select count(*) from pgqueue.claims") == 0


async def test_a_worker_that_comes_back_in_time_keeps_its_jobs(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> int:
        began.set()
        await go.wait()
        return current_job().attempt

    housekeeper = run_worker(queues=["elsewhere"])
    await housekeeper.asleep()
    worker = run_worker(work, settings={"lease": timedelta(seconds=30)})
    job = await client.enqueue(work.job())
    await began.wait()
    old = worker.worker._connections.line.backend_pid
    await look("select pg_terminate_backend(%s)", old)
    await until(lambda: worker.worker._connections.line.backend_pid not in {None, old})
    await until(lambda: look("select count(*) = 0 from pgqueue.absent_workers(0)"))
    go.set()
    record = await ended(job)

    assert (record.result, [attempt.state for attempt in record.attempts]) == (1, ["succeeded"])


async def test_of_a_hundred_jobs_one_of_which_kills_its_worker_only_that_one_dies(
    client: AsyncClient, look: Look, dsn: str
) -> None:
    @task(name="count")
    async def count(number: int) -> None: ...

    @task(name="poison")
    async def poison() -> None: ...

    jobs = [poison.job() if number == 42 else count.job(number=number) for number in range(100)]
    ids = await client.enqueue_many(jobs)
    deaths = 0
    while not await look("select count(*) = 100 from pgqueue.attempts where retry_at is null"):
        async with worker_process(dsn, "drain") as process:
            await process.wait()
        deaths += process.returncode == -signal.SIGKILL
        await take_back(look)
    (letter,) = await client.dead_letters()

    assert (letter.id, deaths) == (ids[42], 5)
    assert await look("select count(*) from pgqueue.attempts where state = 'succeeded'") == 99


async def take_back(look: Look) -> None:
    """What is held is held by nobody who lives."""
    await look("update pgqueue.claims set expires_at = pgqueue.now() - interval '1 s' returning id")
    await look("select pgqueue.reap()")


async def test_jobs_under_suspicion_run_one_after_the_other_and_without_a_pause(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    together = 0
    most = 0

    @task(name="suspect")
    async def suspect() -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.01)
        together -= 1

    jobs = await client.enqueue_many([suspect.job()] * 20)
    for _ in range(2):
        await client.claim("default", limit=20)
        await take_back(look)
    worker = run_worker(suspect)
    records = [await ended(job) for job in jobs]

    assert {record.state for record in records} == {"succeeded"}
    assert {record.attempt for record in records} == {3}
    assert (most, worker.counts.lost) == (1, 0)
