"""Tests of a worker's metrics while it works."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from pgqueue import AsyncClient, Job, JobRecord, WorkerMetrics, task
from pgqueue.metrics.catalogue import WORKER
from tests.metrics.reading import named, read
from tests.waiting import until
from tests.worker.answering import AT_ONCE
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]


@task(name="fail", backoff=AT_ONCE, max_attempts=2)
async def fail() -> None:
    raise ValueError("no")


async def test_a_worker_tells_every_metric(run_worker: RunWorker, client: AsyncClient, ended: Ended) -> None:
    metrics = WorkerMetrics()
    worker = run_worker(fail, metrics=metrics)
    record = await ended(await client.enqueue(fail.job()))
    await worker.asleep()
    reading = read(metrics)

    samples = {
        name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in reading.names()
    }
    assert record.state == "dead"
    assert named(samples) == named(metric.name for metric in WORKER)
    counted = "pgqueue_worker_attempts_ended_total"
    labels = {"queue": "default", "task": "fail"}
    assert reading("pgqueue_worker_attempts_started_total", **labels) == 2
    assert reading(counted, **labels, outcome="retried") == 1
    assert reading(counted, **labels, outcome="dead") == 1
    assert reading("pgqueue_worker_job_attempts_sum", task="fail") == 2
    assert reading("pgqueue_worker_run_seconds_count", task="fail") == 2
    assert reading("pgqueue_worker_pickup_seconds_count", queue="default") == 2
    assert reading("pgqueue_worker_slots") == 10
    assert reading("pgqueue_worker_claims_total", found="nothing")


async def test_a_task_is_told_before_its_first_job(run_worker: RunWorker) -> None:
    metrics = WorkerMetrics()
    run_worker(fail, metrics=metrics)

    started = "pgqueue_worker_attempts_started_total"
    assert read(metrics)(started, queue="default", task="fail") == 0


async def test_what_runs_is_busy(run_worker: RunWorker, client: AsyncClient) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(name="work")
    async def work() -> None:
        began.set()
        await go.wait()

    metrics = WorkerMetrics()
    before = read(metrics)
    worker = run_worker(work, metrics=metrics)
    await client.enqueue(work.job())
    await began.wait()
    busy = read(metrics)
    go.set()
    await worker.asleep()

    assert before("pgqueue_worker_busy_slots") is None
    assert (busy("pgqueue_worker_busy_slots"), busy("pgqueue_worker_held_jobs")) == (1, 1)
    assert read(metrics)("pgqueue_worker_busy_slots") == 0


async def test_a_ring_that_wakes_it_is_counted(
    run_worker: RunWorker, client: AsyncClient, ended: Ended
) -> None:
    metrics = WorkerMetrics()
    worker = run_worker(fail, metrics=metrics)
    await worker.asleep()
    await ended(await client.enqueue(fail.job()))

    assert (read(metrics)("pgqueue_worker_wakeups_total") or 0) >= 1


async def test_a_connection_made_again_is_counted(
    run_worker: RunWorker, async_connection: "psycopg.AsyncConnection[object]"
) -> None:
    metrics = WorkerMetrics()
    worker = run_worker(fail, metrics=metrics)
    await worker.asleep()
    await async_connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )

    await until(lambda: read(metrics)("pgqueue_worker_reconnects_total") == 1)


async def test_without_metrics_nothing_is_counted_by_task(
    run_worker: RunWorker, client: AsyncClient, ended: Ended
) -> None:
    worker = run_worker(fail)
    await ended(await client.enqueue(Job(queue="default", task="fail", payload="{}")))

    assert type(worker.counts).__name__ == "Counts"


async def test_one_workers_metrics_are_not_anothers(run_worker: RunWorker) -> None:
    metrics = WorkerMetrics()
    run_worker(fail, metrics=metrics)

    with pytest.raises(RuntimeError, match="another worker"):
        run_worker(fail, metrics=metrics)
