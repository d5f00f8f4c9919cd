"""Runs workers in the test's own loop, and stops at its end what the test has not."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import scalar_row

from pgqueue import AsyncClient, Task, Worker, WorkerSettings
from pgqueue.record import JobRecord
from tests.waiting import PATIENCE_SECONDS, until

# The net is out of reach: what is found, is found because somebody was woken.
PATIENT_POLL = timedelta(seconds=60)


class Running:
    """A worker at work in this loop."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._run = asyncio.create_task(worker.run())

    @property
    def counts(self) -> Any:
        return self.worker.counts

    async def asleep(self) -> None:
        """It has found nothing to do, holds its locks, and would now be woken."""
        await until(self._sentry_sleeps)

    async def stop(self) -> None:
        self.worker.stop()
        await self.ended()

    async def ended(self) -> None:
        """Its `run` has returned."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.shield(self._run)

    @property
    def has_ended(self) -> bool:
        return self._run.done()

    async def cancel(self) -> None:
        """As if its owner had cancelled `run`."""
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)

    def _sentry_sleeps(self) -> bool:
        assert not self._run.done() or self._run.result(), "the worker has ended"
        sentry = getattr(self.worker, "_sentry", None)
        if sentry is None or not sentry.has_guard or not sentry.is_asleep:
            return False
        return bool(sentry.claim_at > time.monotonic())  # else its last look is under way


RunWorker = Callable[..., Running]
Look = Callable[..., Awaitable[Any]]


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(dsn) as client:
        yield client


@pytest.fixture
async def run_worker(dsn: str) -> AsyncIterator[RunWorker]:
    """Starts a worker of these tasks: `settings` as a mapping, all else as `Worker` takes it."""
    started: list[Running] = []

    def run(
        *tasks: Task[..., Any],
        queues: Sequence[str] | Mapping[str, float] = ("default",),
        dsn: str = dsn,
        settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Running:
        chosen = WorkerSettings(
            **{"poll": PATIENT_POLL, "grace": timedelta(seconds=10)} | dict(settings or {})
        )
        running = Running(Worker(dsn, tasks, queues, settings=chosen, **options))
        started.append(running)
        return running

    yield run
    for running in started:
        if not running.has_ended:
            running.worker.stop()
            running.worker.stop()
            await running.ended()


@pytest.fixture
def look(async_connection: psycopg.AsyncConnection[Any]) -> Look:
    """The single value a statement returns."""

    async def run(statement: str, *values: Any) -> Any:
        async with async_connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(statement, values or None)
            return await cursor.fetchone()

    return run


@pytest.fixture
def ended(client: AsyncClient) -> Callable[[int], Awaitable[JobRecord]]:
    """Waits until a job has ended, and tells how."""

    async def wait(job: int) -> JobRecord:
        return await client.wait(job, timeout=timedelta(seconds=PATIENCE_SECONDS))

    return wait
