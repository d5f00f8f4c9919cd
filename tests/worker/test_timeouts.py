"""Tests of timeouts: async handlers are cancelled, blocking ones keep their place until their thread ends."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

from pgqueue import AsyncClient, JobRecord, current_job, task
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
BRIEF = timedelta(milliseconds=50)


async def test_an_async_handler_past_its_timeout_is_cancelled_and_the_attempt_fails(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    seen = []

    @task(timeout=BRIEF, max_attempts=1)
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    run_worker(hang)
    record = await ended(await client.enqueue(hang.job()))

    assert seen == ["cancelled"]
    assert record.error is not None
    assert record.error["type"] == "TimeoutError"
    assert record.error["message"] == f"the attempt took longer than its timeout of {BRIEF}"


async def test_a_timeout_of_the_handlers_own_is_told_as_it_is(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(timeout=timedelta(seconds=PATIENCE_SECONDS), max_attempts=1)
    async def wait() -> None:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()

    run_worker(wait)
    record = await ended(await client.enqueue(wait.job()))

    assert record.error is not None
    assert (record.error["type"], record.error["message"]) == ("TimeoutError", "")


async def test_an_async_handler_may_take_longer_when_it_says_so(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(timeout=BRIEF, max_attempts=1, keep_result=True)
    async def dig() -> bool:
        current_job().extend(timedelta(seconds=PATIENCE_SECONDS))
        loop = asyncio.get_running_loop()
        late = loop.create_future()
        loop.call_later(BRIEF.total_seconds() * 3, late.set_result, True)
        return bool(await late)

    run_worker(dig)

    assert (await ended(await client.enqueue(dig.job()))).result is True


async def test_a_blocking_handler_past_its_timeout_fails_and_is_told_to_stop(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    stopped = threading.Event()

    @task(timeout=BRIEF, max_attempts=1)
    def hang() -> None:
        job = current_job()
        while not job.is_cancelled:
            stopped.wait(0.001)
        stopped.set()

    run_worker(hang)
    record = await ended(await client.enqueue(hang.job()))
    await until(stopped.is_set)

    assert record.error is not None
    assert record.error["type"] == "TimeoutError"


async def test_a_blocking_handler_may_take_longer_when_it_says_so(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(timeout=BRIEF, max_attempts=1, keep_result=True)
    def dig() -> bool:
        current_job().extend(timedelta(seconds=PATIENCE_SECONDS))
        threading.Event().wait(BRIEF.total_seconds() * 3)
        return True

    run_worker(dig)

    assert (await ended(await client.enqueue(dig.job()))).result is True


async def test_a_thread_past_its_timeout_keeps_its_place_until_it_ends(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    go, began = threading.Event(), []

    @task(timeout=BRIEF, max_attempts=1)
    def hang() -> None:
        go.wait(PATIENCE_SECONDS)

    @task
    async def begin() -> None:
        began.append(go.is_set())

    worker = run_worker(hang, begin, settings={"concurrency": 1})
    await ended(await client.enqueue(hang.job()))
    job = await client.enqueue(begin.job())
    has_strays = worker.worker.has_strays
    go.set()
    await ended(job)

    assert has_strays
    assert began == [True]
    assert not worker.worker.has_strays


async def test_a_worker_stops_although_a_thread_does_not(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    go = threading.Event()

    @task(timeout=BRIEF, max_attempts=1)
    def hang() -> None:
        go.wait(PATIENCE_SECONDS)

    worker = run_worker(hang)
    await ended(await client.enqueue(hang.job()))
    await worker.stop()
    has_strays = worker.worker.has_strays
    go.set()

    assert has_strays
