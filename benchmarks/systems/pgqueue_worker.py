"""pgqueue and its worker, from the command line; it must never be watched while it works."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.child import Child
from benchmarks.rows import Durability
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.worker_process import WorkerProcess


class PgQueueWorker:
    """PgQueue states its contract. The worker's finishes lag by some milliseconds, as they do by default."""

    name = PgQueue.name
    jobs = 100_000
    pickups = 300

    def __init__(self, dsn: str, durability: Durability) -> None:
        self.durability = durability
        self._queue = PgQueue(dsn, durability, is_counted=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.close()

    def bulk_seconds(self, jobs: int) -> float:
        """`enqueue_many` of all of them, from a generator."""
        began = time.perf_counter()
        self._queue.enqueue_many(jobs)
        return time.perf_counter() - began

    def send(self) -> int:
        """One `enqueue`, its commit included."""
        sent_ns = time.monotonic_ns()
        self._queue.enqueue_stamp()
        return sent_ns

    def worker(self, stamps: Path, tally: Path) -> Child:
        """One `pgqueue worker` process."""
        return WorkerProcess(self._queue.dsn, stamps, tally=tally)

    def is_drained(self) -> bool:
        """No job is ready or claimed."""
        return self._queue.is_drained()
