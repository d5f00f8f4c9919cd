"""Tests of jobs that come back: whoever puts one back, a sleeping worker runs it at its time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from pgqueue import AsyncClient, JobRecord, Retry, Snooze, current_job, task
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
SOON = timedelta(milliseconds=400)


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


@pytest.mark.parametrize("answer", [Retry(SOON), Snooze(SOON)], ids=["retry", "snooze"])
async def test_what_a_busy_worker_puts_back_for_later_runs_at_its_time(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, answer: Exception
) -> None:
    began, go = asyncio.Event(), asyncio.Event()
    answers = iter([answer])

    @task(name="once")
    async def once() -> None:
        began.set()
        await go.wait()
        if (first := next(answers, None)) is not None:
            raise first

    worker = run_worker(once)
    job = await client.enqueue(once.job())
    await began.wait()
    await worker.asleep()
    go.set()

    assert (await ended(job)).state == "succeeded"


@pytest.mark.parametrize("delay", [SOON, timedelta(0)], ids=["later", "now"])
async def test_what_a_library_client_puts_back_wakes_a_sleeper(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, delay: timedelta
) -> None:
    job = await client.enqueue(quick.job())
    (delivery,) = await client.claim("default")
    worker = run_worker(quick)
    await worker.asleep()
    await client.fail(delivery, "not now", delay=delay)
    record = await ended(job)

    assert [attempt.state for attempt in record.attempts] == ["failed", "succeeded"]


async def test_what_is_handed_back_wakes_a_sleeper(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    job = await client.enqueue(quick.job())
    lease = await client.claim("default")
    worker = run_worker(quick)
    await worker.asleep()
    await client.hand_back(lease)

    assert (await ended(job)).attempt == 1


async def test_what_is_redriven_wakes_a_sleeper(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    job = await client.enqueue(quick.job())
    (delivery,) = await client.claim("default")
    await client.bury(delivery, "no")
    worker = run_worker(quick)
    await worker.asleep()
    await client.redrive([job])

    assert (await ended(job)).state == "succeeded"
