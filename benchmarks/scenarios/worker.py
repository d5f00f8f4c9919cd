"""One worker process: its throughput, its pickup of a job when idle; it must never run two workers."""

import random
import statistics
import time
from collections.abc import Sequence
from functools import partial

from benchmarks.contestants import Contestant, open_pgqueue
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.stamps import Stamps
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.worker_process import WorkerProcess

SCENARIO = "worker"
JOBS = 100_000
PICKUPS = 300
"""Enough for a 99th percentile that is not the worst of all."""
PICKUPS_BEFORE = 5
"""Not counted: the first job of a kind imports, connects and plans."""
SHORTEST_IDLE_SECONDS, LONGEST_IDLE_SECONDS = 0.03, 0.08
"""Between two pickups: long enough that the worker sleeps, uneven so that no timer falls into step."""


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Four rows per durability of pgqueue; the other systems bring no worker and are left out."""
    jobs, pickups = plan.scaled(JOBS), plan.scaled(PICKUPS)
    rows: list[Row] = []
    # A worker's finishes lag by default: at `fsync-enqueue` it would be measured twice.
    measured = [contestant for contestant in contestants if contestant.durability != "fsync-enqueue"]
    with open_pgqueue(measured, plan.given) as queues:
        progress.begin(SCENARIO, len(queues) * (plan.rounds + 1))
        systems = list(queues.values())
        readings = interleave(
            systems,
            rounds=plan.rounds,
            warm_up=partial(measure, jobs=jobs // 10, pickups=PICKUPS_BEFORE),
            measure=partial(measure, jobs=jobs, pickups=pickups),
            progress=progress,
        )
    for system, rounds in zip(systems, readings, strict=True):
        rows += _rows_of(system, rounds, jobs=jobs, pickups=pickups)
    return rows


def _rows_of(system: PgQueue, rounds: Sequence[Readings], *, jobs: int, pickups: int) -> list[Row]:
    rows: list[Row] = []
    for ending, batch in (("_per_second", jobs), ("_seconds", pickups)):
        chosen = [
            {name: value for name, value in reading.items() if name.endswith(ending)} for reading in rounds
        ]
        rows += rows_of(
            chosen, scenario=SCENARIO, system=system.name, durability=system.durability, batch=batch
        )
    return rows


def measure(system: PgQueue, *, jobs: int, pickups: int) -> Readings:
    """One round: fill the queue, start a worker and let it drain it, then wake it job by job."""
    began = time.perf_counter()
    system.enqueue_many(jobs)
    enqueue_seconds = time.perf_counter() - began
    with Stamps() as stamps:
        began = time.perf_counter()
        with WorkerProcess(system.dsn, stamps.path) as worker:
            worker.await_that(system.is_drained)
            work_seconds = time.perf_counter() - began
            delays = _pickup_seconds(system, stamps, pickups)
            worker.await_that(system.is_drained)  # the last stamp may still be finishing
    return {
        "jobs_per_second": jobs / work_seconds,
        "enqueue_per_second": jobs / enqueue_seconds,
        "pickup_p50_seconds": statistics.median(delays),
        "pickup_p99_seconds": statistics.quantiles(delays, n=100, method="inclusive")[-1],
    }


def _pickup_seconds(system: PgQueue, stamps: Stamps, pickups: int) -> list[float]:
    delays = [_one_pickup_seconds(system, stamps) for _ in range(PICKUPS_BEFORE + pickups)]
    return delays[PICKUPS_BEFORE:]


def _one_pickup_seconds(system: PgQueue, stamps: Stamps) -> float:
    """From the call of `enqueue`, its commit included, to the handler's first line."""
    time.sleep(random.uniform(SHORTEST_IDLE_SECONDS, LONGEST_IDLE_SECONDS))
    sent = time.monotonic_ns()
    system.enqueue_stamp()
    return (stamps.next_start().at_ns - sent) / 1e9
