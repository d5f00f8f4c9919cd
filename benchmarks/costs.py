"""Where the time of a job goes: CPU of the client, CPU of the server, the rest; it must never count itself.

Readings are microseconds a job, named by step and side: `claim server`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from benchmarks.contestants import Contestant
from benchmarks.cpu import backends_cpu_seconds, cpu_seconds
from benchmarks.failures import BenchmarkFailed
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.tally import Tally
from benchmarks.worker_process import WorkerProcess

MICROSECONDS = 1e6
ELAPSED = "elapsed"


def costs_of_steps(system: PgQueue, *, jobs: int, batch: int) -> Readings:
    """Enqueue so many, claim all of them, finish all of them: one client, in whole batches."""
    costs: dict[str, float] = {}
    with _counted(costs, "enqueue", system, jobs):
        for _ in range(jobs // batch):
            system.enqueue(batch)
    with _counted(costs, "claim", system, jobs):
        leases = [system.claim(batch) for _ in range(jobs // batch)]
    with _counted(costs, "finish", system, jobs):
        for lease in leases:
            system.finish(lease)
    left, held = system.waiting(), sum(map(len, leases))
    if left or held != jobs:
        raise BenchmarkFailed(f"of {jobs} jobs enqueued {held} were claimed, and {left} are left")
    return costs


@contextmanager
def _counted(costs: dict[str, float], step: str, system: PgQueue, jobs: int) -> Iterator[None]:
    """What the block spends: this process, and all sessions of the system's database."""
    server, client, began = backends_cpu_seconds(system.dsn), time.process_time(), time.perf_counter()
    yield
    elapsed, spent = time.perf_counter() - began, time.process_time() - client
    costs[f"{step} {ELAPSED}"] = elapsed / jobs * MICROSECONDS
    costs[f"{step} client"] = spent / jobs * MICROSECONDS
    costs[f"{step} server"] = (backends_cpu_seconds(system.dsn) - server) / jobs * MICROSECONDS


def costs_of_working(system: PgQueue, worker: WorkerProcess, tally: Tally, *, jobs: int) -> Readings:
    """So many jobs at once for a worker that waits: from their commit to the last handler.

    system: its handlers count themselves in `tally`. The client is the worker's process.
    """
    before, finished = tally.total(), system.ended()
    system.enqueue_many(jobs)
    began = time.perf_counter()
    server, client = backends_cpu_seconds(system.dsn), cpu_seconds(worker.pid)
    worker.await_that(lambda: tally.total() - before >= jobs)
    spent = {
        f"work {ELAPSED}": time.perf_counter() - began,
        "work client": cpu_seconds(worker.pid) - client,
        "work server": backends_cpu_seconds(system.dsn) - server,
    }
    worker.await_that(system.is_drained)
    if system.ended() - finished != jobs:
        raise BenchmarkFailed(f"of {jobs} jobs enqueued {system.ended() - finished} succeeded")
    return {name: seconds / jobs * MICROSECONDS for name, seconds in spent.items()}


def rows_of_costs(
    rounds: Sequence[Readings], *, scenario: str, contestant: Contestant, batch: int
) -> list[Row]:
    """CPU per job by step and side, and how long each step took."""
    make = partial(
        rows_of,
        scenario=scenario,
        system=contestant.system,
        durability=contestant.durability,
        batch=batch,
    )
    rows: list[Row] = []
    for name in rounds[0]:
        step, side = name.split()
        metric = "elapsed_microseconds_per_job" if side == ELAPSED else "cpu_microseconds_per_job"
        readings = [{metric: reading[name]} for reading in rounds]
        rows += make(readings, settings={"of": step, "side": side})
    return rows
