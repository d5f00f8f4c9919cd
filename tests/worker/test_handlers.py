"""Tests of how handlers are run: async ones in the loop, blocking ones in threads, each with its context."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from pgqueue import AsyncClient, current_job, task
from pgqueue.record import JobRecord
from pgqueue.worker import RunningJob
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import RunWorker
from tests.worker.deliveries import delivery

Ended = Callable[[int], Awaitable[JobRecord]]
color: contextvars.ContextVar[str] = contextvars.ContextVar("color", default="none")


async def test_an_async_handler_runs_with_its_arguments(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(keep_result=True)
    async def add(a: int, b: int = 2) -> int:
        return a + b

    run_worker(add)
    job = await client.enqueue(add.job(a=1))

    assert (await ended(job)).result == 3


async def test_a_blocking_handler_runs_in_a_thread(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(keep_result=True)
    def which() -> str:
        return threading.current_thread().name

    run_worker(which)
    job = await client.enqueue(which.job())

    assert (await ended(job)).result.startswith("pgqueue")


async def test_blocking_handlers_run_at_the_same_time(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    meeting = threading.Barrier(5, timeout=PATIENCE_SECONDS)

    @task
    def meet() -> None:
        meeting.wait()

    run_worker(meet, settings={"concurrency": 5})
    jobs = await client.enqueue_many(meet.job() for _ in range(5))

    assert {(await ended(job)).state for job in jobs} == {"succeeded"}


async def test_async_handlers_run_at_the_same_time(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    meeting = asyncio.Barrier(5)

    @task
    async def meet() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), meeting:
            pass

    run_worker(meet, settings={"concurrency": 5})
    jobs = await client.enqueue_many(meet.job() for _ in range(5))

    assert {(await ended(job)).state for job in jobs} == {"succeeded"}


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "blocking"])
async def test_a_handler_knows_its_job_also_in_what_it_calls(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool
) -> None:
    def nested() -> list[int]:
        return [current_job().id, current_job().attempt, int(current_job().is_last_attempt)]

    @task(keep_result=True, max_attempts=1, name="tell")
    def tell() -> list[int]:
        return nested()

    @task(keep_result=True, max_attempts=1, name="tell")
    async def tell_async() -> list[int]:
        return await asyncio.create_task(asyncio.to_thread(nested))

    run_worker(tell_async if is_async else tell)
    job = await client.enqueue(tell.job())

    assert (await ended(job)).result == [job, 1, 1]


def test_outside_a_handler_there_is_no_current_job() -> None:
    with pytest.raises(LookupError, match="no job is running here"):
        current_job()


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "blocking"])
async def test_a_handler_leaves_nothing_in_the_context_of_another(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool
) -> None:
    @task(keep_result=True, name="paint")
    def paint() -> str:
        before = color.get()
        color.set("red")
        return before

    @task(keep_result=True, name="paint")
    async def paint_async() -> str:
        return paint()

    run_worker(paint_async if is_async else paint, settings={"concurrency": 1})
    jobs = await client.enqueue_many(paint.job() for _ in range(3))

    assert [(await ended(job)).result for job in jobs] == ["none"] * 3


async def test_a_blocking_handler_that_returns_a_coroutine_is_awaited(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    async def inner() -> str:
        await asyncio.sleep(0)
        return "inner"

    @task(keep_result=True)
    def outer() -> object:
        return inner()

    run_worker(outer)
    job = await client.enqueue(outer.job())

    assert (await ended(job)).result == "inner"


async def test_no_more_handlers_run_than_are_allowed(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    running, most = 0, 0

    @task
    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    worker = run_worker(count, settings={"concurrency": 7})
    jobs = await client.enqueue_many(count.job() for _ in range(300))
    for job in jobs:
        await ended(job)

    assert most == 7
    assert worker.counts.started == worker.counts.succeeded == 300


async def test_a_job_tells_its_progress_while_it_runs(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    told = asyncio.Event()

    @task
    async def climb() -> None:
        current_job().report_progress(0.25, "at the \x00 hut")
        await told.wait()

    run_worker(climb, settings={"lease": timedelta(seconds=1)})
    job = await client.enqueue(climb.job())
    record = await until_told(client, job)
    told.set()
    await ended(job)

    assert (record.progress, record.note) == (0.25, "at the \\0 hut")


async def until_told(client: AsyncClient, job: int) -> JobRecord:
    async def told() -> JobRecord | None:
        record = await client.get(job)
        return record if record is not None and record.progress is not None else None

    found: JobRecord = await until(told)
    return found


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_progress_beyond_its_bounds_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        RunningJob(delivery()).report_progress(fraction)
