"""Tests of stopping: running handlers may finish, the rest is handed back unspent, nothing stays claimed."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from pgqueue import AsyncClient, JobRecord, Worker, current_job, task
from pgqueue.worker import keeper
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import Look, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
READY_ATTEMPTS = "select array_agg(distinct attempt) from pgqueue.waiting"
CLAIMS = "select count(*) from pgqueue.claims"
WORKERS = "select count(*) from pgqueue.workers"
NO_GRACE = timedelta(0)
LONG = timedelta(minutes=1)


async def test_running_handlers_may_finish(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> str:
        began.set()
        await go.wait()
        return "done"

    worker = run_worker(work)
    job = await client.enqueue(work.job())
    await began.wait()
    worker.worker.stop()
    go.set()
    await worker.ended()

    assert (await ended(job)).result == "done"
    assert await look(CLAIMS) == 0
    assert await look(WORKERS) == 0


async def test_what_is_not_started_is_handed_back_unspent(
    client: AsyncClient, run_worker: RunWorker, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "UNSTARTED_SECONDS", PATIENCE_SECONDS)  # not before it is told to stop
    began, go = asyncio.Event(), asyncio.Event()
    ran: list[int] = []

    @task
    async def work(number: int) -> None:
        ran.append(number)
        if (
            worker.worker._book.waiting and not began.is_set()
        ):  # not the last of its batch, whatever their size
            began.set()
            await go.wait()

    worker = run_worker(work, settings={"concurrency": 1, "ahead": LONG})  # however slow the machine
    await client.enqueue_many(work.job(number=number) for number in range(900))
    await began.wait()
    held = await look("select count(*) from pgqueue.held")
    worker.worker.stop()
    go.set()
    await worker.ended()

    assert held > 1
    assert await look("select count(*) from pgqueue.waiting") == 900 - len(ran)
    assert await look(READY_ATTEMPTS) == [0]
    assert await look(CLAIMS) == 0


async def test_after_the_grace_the_rest_is_handed_back_unspent(
    client: AsyncClient, run_worker: RunWorker, look: Look
) -> None:
    began, seen = asyncio.Event(), []

    @task(max_attempts=1)
    async def hang() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    worker = run_worker(hang, settings={"grace": NO_GRACE})
    await client.enqueue(hang.job())
    await began.wait()
    await worker.stop()

    assert seen == ["cancelled"]
    assert await look(READY_ATTEMPTS) == [0]
    assert await look(CLAIMS) == 0
    assert worker.counts.returned == 1


async def test_a_second_stop_hurries(client: AsyncClient, run_worker: RunWorker, look: Look) -> None:
    began = asyncio.Event()

    @task
    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    worker = run_worker(hang, settings={"grace": LONG})
    await client.enqueue(hang.job())
    await began.wait()
    worker.worker.stop()
    worker.worker.stop()
    await worker.ended()

    assert await look(READY_ATTEMPTS) == [0]


async def test_a_blocking_handler_past_the_grace_is_told_and_left(
    client: AsyncClient, run_worker: RunWorker, look: Look
) -> None:
    began, told = threading.Event(), threading.Event()

    @task
    def hang() -> None:
        job = current_job()
        began.set()
        while not job.is_cancelled:
            told.wait(0.001)
        told.set()

    worker = run_worker(hang, settings={"grace": NO_GRACE})
    await client.enqueue(hang.job())
    await until(began.is_set)
    await worker.stop()
    await until(told.is_set)

    assert await look(READY_ATTEMPTS) == [0]


async def test_a_handler_deaf_to_its_cancellation_does_not_keep_the_worker(
    client: AsyncClient, run_worker: RunWorker, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgqueue.worker.worker.STOP_MARGIN_SECONDS", 0.2)
    began, go = asyncio.Event(), asyncio.Event()

    @task
    async def deaf() -> None:
        began.set()
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    worker = run_worker(deaf, settings={"grace": NO_GRACE})
    await client.enqueue(deaf.job())
    await began.wait()
    await worker.stop()
    has_strays = worker.worker.has_strays
    go.set()
    await until(lambda: not worker.worker.has_strays)

    assert has_strays
    # Not said goodbye: others miss it, and take back at once what it held.
    assert await look(WORKERS) == 1


async def test_an_idle_worker_stops_at_once(run_worker: RunWorker, look: Look) -> None:
    worker = run_worker()
    await worker.asleep()
    await worker.stop()

    assert await look(WORKERS) == 0


async def test_stopped_before_it_runs_it_ends_at_once(dsn: str) -> None:
    worker = Worker(dsn, [], ["default"])
    worker.stop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await worker.run()

    assert worker.counts.started == 0


async def test_a_worker_runs_once(dsn: str) -> None:
    worker = Worker(dsn, [], ["default"])
    worker.stop()
    await worker.run()

    with pytest.raises(RuntimeError, match="runs once"):
        await worker.run()


async def test_a_worker_whose_run_is_cancelled_leaves_no_handler_running(
    client: AsyncClient, run_worker: RunWorker
) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @task
    async def hang() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    worker = run_worker(hang)
    await client.enqueue(hang.job())
    await began.wait()
    await worker.cancel()

    assert ended.is_set()


async def test_two_tasks_of_one_name_are_refused(dsn: str) -> None:
    with pytest.raises(ValueError, match="two tasks are named 'same'"):
        Worker(dsn, [task(name="same")(print_one), task(name="same")(print_two)], ["default"])


def print_one() -> None: ...


def print_two() -> None: ...
