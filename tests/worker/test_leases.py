"""Tests of leases: long jobs keep theirs, a lost one is seen by the handler and changes nothing."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

from pgqueue import AsyncClient, JobRecord, current_job, task
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import Look, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
SHORT = {"lease": timedelta(seconds=1)}
EXPIRE = "update pgqueue.claims set expires_at = pgqueue.now() - interval '1 second' returning id"


async def test_a_job_longer_than_its_lease_keeps_it(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task
    async def long() -> None:
        began.set()
        await go.wait()

    worker = run_worker(long, settings=SHORT)
    job = await client.enqueue(long.job())
    await began.wait()
    first = await look("select expires_at from pgqueue.claims")
    await until(lambda: look("select expires_at > %s + interval '1 second' from pgqueue.claims", first))
    go.set()
    record = await ended(job)

    assert [attempt.state for attempt in record.attempts] == ["succeeded"]
    assert worker.counts.lost == 0


async def test_an_async_handler_whose_lease_is_lost_is_cancelled_and_changes_nothing(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    seen: list[bool] = []
    began = asyncio.Event()

    @task
    async def work() -> None:
        began.set()
        if current_job().attempt > 1:
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append(current_job().is_lease_lost)
            raise

    worker = run_worker(work, settings=SHORT)
    job = await client.enqueue(work.job())
    await began.wait()
    await look(EXPIRE)
    await look("select pgqueue.reap()")
    record = await ended(job)
    await until(lambda: seen)

    assert [attempt.state for attempt in record.attempts] == ["expired", "succeeded"]
    assert seen == [True]
    assert (worker.counts.lost, worker.counts.succeeded, worker.counts.returned) == (1, 1, 0)


async def test_a_blocking_handler_sees_its_lease_lost_and_what_it_returns_does_not_count(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    began, seen = threading.Event(), threading.Event()

    @task(keep_result=True)
    def work() -> str:
        job = current_job()
        if job.attempt > 1:
            return "second"
        began.set()
        while not job.is_lease_lost:
            seen.wait(0.001)
        seen.set()
        return "first"

    run_worker(work, settings=SHORT)
    job = await client.enqueue(work.job())
    await until(began.is_set)
    await look(EXPIRE)
    await look("select pgqueue.reap()")
    record = await ended(job)
    await until(seen.is_set)

    assert record.result == "second"
    assert [attempt.state for attempt in record.attempts] == ["expired", "succeeded"]


async def test_an_ending_told_under_a_lost_lease_changes_nothing(
    client: AsyncClient, run_worker: RunWorker, look: Look
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> str:
        began.set()
        await go.wait()
        return "late"

    worker = run_worker(work)
    job = await client.enqueue(work.job(), max_attempts=1)
    await began.wait()
    await look(EXPIRE)
    await look("select pgqueue.reap()")
    go.set()
    await until(lambda: worker.counts.lost)
    record = await client.get(job)

    assert record is not None
    assert (record.state, record.result) == ("dead", None)
    assert [attempt.state for attempt in record.attempts] == ["dead"]


async def test_a_claim_that_expired_is_taken_back_and_run_by_whoever_is_idle(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task
    async def work() -> None: ...

    job = await client.enqueue(work.job())
    await client.claim("default", lease=timedelta(seconds=1))
    run_worker(work)
    record = await ended(job)

    assert [attempt.state for attempt in record.attempts] == ["expired", "succeeded"]
    assert record.attempts[0].error is not None
    assert record.attempts[0].error["type"] == "LeaseExpired"


async def test_progress_that_never_ends_does_not_cost_the_lease(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    began, go = threading.Event(), threading.Event()

    @task
    def chatter() -> None:
        began.set()
        while not go.wait(0.001):
            current_job().report_progress(0.5, "\x00 \ud800")

    worker = run_worker(chatter, settings=SHORT)
    job = await client.enqueue(chatter.job())
    await until(began.is_set)
    first = await look("select expires_at from pgqueue.claims")
    await until(
        lambda: look("select expires_at > %s + interval '1 second' from pgqueue.claims", first),
        seconds=PATIENCE_SECONDS,
    )
    go.set()

    assert (await ended(job)).state == "succeeded"
    assert worker.counts.lost == 0
