"""Tests of cancelling jobs, waiting and running, by notification and by the lease's extension."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from pgqueue import AsyncClient, JobRecord, current_job, task
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
SHORT_LEASE = {"lease": timedelta(seconds=1), "poll": timedelta(milliseconds=100)}
BOTH = pytest.mark.parametrize(
    "options", [{}, {"poll_only": True, "settings": SHORT_LEASE}], ids=["notified", "polling"]
)


async def test_a_job_cancelled_while_it_waits_never_runs(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    ran = []

    @task
    async def run(number: int) -> None:
        ran.append(number)

    jobs = await client.enqueue_many(run.job(number=number) for number in range(3))
    await client.cancel(jobs[1])
    run_worker(run)
    states = [(await ended(job)).state for job in jobs]

    assert states == ["succeeded", "cancelled", "succeeded"]
    assert ran == [0, 2]


@BOTH
async def test_a_running_async_handler_is_cancelled(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, options: dict[str, object]
) -> None:
    began, seen = asyncio.Event(), []

    @task
    async def hang() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append(current_job().is_cancelled)
            raise

    worker = run_worker(hang, **options)
    job = await client.enqueue(hang.job())
    await began.wait()
    await client.cancel(job)
    record = await ended(job)
    await until(lambda: worker.counts.cancelled)

    assert record.state == "cancelled"
    assert seen == [True]
    assert await client.dead_letters() == []


@BOTH
async def test_a_running_blocking_handler_sees_it(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, options: dict[str, object]
) -> None:
    began, never = threading.Event(), threading.Event()

    @task
    def hang() -> None:
        began.set()
        while not never.wait(0.001):
            current_job().stop_if_unwanted()

    worker = run_worker(hang, **options)
    job = await client.enqueue(hang.job())
    await until(began.is_set)
    await client.cancel(job)
    record = await ended(job)
    await until(lambda: worker.counts.cancelled)

    assert record.state == "cancelled"


async def test_a_handler_that_fails_on_its_cancellation_is_not_tried_again(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    began = asyncio.Event()

    @task
    async def stumble() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("while tidying up") from None

    run_worker(stumble)
    job = await client.enqueue(stumble.job())
    await began.wait()
    await client.cancel(job)

    assert (await ended(job)).state == "cancelled"


async def test_a_handler_that_ends_well_in_spite_of_it_has_succeeded(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    began, never = threading.Event(), threading.Event()

    @task
    def finish_anyway() -> None:
        began.set()
        while not current_job().is_cancelled:
            never.wait(0.001)

    run_worker(finish_anyway)
    job = await client.enqueue(finish_anyway.job())
    await until(began.is_set)
    await client.cancel(job)

    await until(lambda: is_state(client, job, "succeeded"))


async def is_state(client: AsyncClient, job: int, state: str) -> bool:
    record = await client.get(job)
    return record is not None and record.state == state


async def test_a_job_cancelled_when_claimed_but_not_started_never_runs(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    began, go, ran = threading.Event(), threading.Event(), []

    @task
    def run(number: int) -> None:
        if number == 200:
            began.set()
            go.wait(PATIENCE_SECONDS)
        ran.append(number)

    jobs = await client.enqueue_many(run.job(number=number) for number in range(300))
    worker = run_worker(run, settings={"concurrency": 1})
    await until(began.is_set)
    await client.cancel(jobs[201])
    await until(lambda: worker.counts.cancelled or worker.counts.returned)
    go.set()
    for job in jobs:
        await ended(job)

    assert (await ended(jobs[201])).state == "cancelled"
    assert 201 not in ran
