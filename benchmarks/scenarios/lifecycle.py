"""Enqueue, claim and finish by one client, at several batch sizes; it must never favour one."""

import time
from collections.abc import Sequence
from functools import partial

from benchmarks.contestants import Contestant, open_systems
from benchmarks.failures import BenchmarkFailed
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.systems.peer import PeerSystem
from benchmarks.systems.system import System

SCENARIO = "lifecycle"
JOBS_PER_ROUND = {1: 1_500, 10: 12_000, 100: 40_000, 1_000: 50_000}
"""By batch size: enough for about a second, the same for every system."""
WARM_UP_DIVISOR = 5


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Three rows per system and batch size: both phases, and the whole."""
    rows: list[Row] = []
    progress.begin(SCENARIO, len(JOBS_PER_ROUND) * len(contestants) * (plan.rounds + 1))
    with open_systems(contestants, plan.given) as systems:
        for batch in JOBS_PER_ROUND:
            rows += _rows_at(batch, systems, plan, progress)
    return rows


def _rows_at(batch: int, systems: Sequence[System | PeerSystem], plan: Plan, progress: Progress) -> list[Row]:
    jobs = plan.scaled(JOBS_PER_ROUND[batch])
    readings = interleave(
        systems,
        rounds=plan.rounds,
        warm_up=partial(measure, jobs=_whole_batches(jobs // WARM_UP_DIVISOR, batch), batch=batch),
        measure=partial(measure, jobs=jobs, batch=batch),
        progress=progress,
    )
    rows: list[Row] = []
    for system, rounds in zip(systems, readings, strict=True):
        rows += rows_of(
            rounds, scenario=SCENARIO, system=system.name, durability=system.durability, batch=batch
        )
    return rows


def _whole_batches(jobs: int, batch: int) -> int:
    return max(jobs // batch, 1) * batch


def measure(system: System | PeerSystem, *, jobs: int, batch: int) -> Readings:
    """One round: all jobs in, then all jobs through. `jobs` is a multiple of `batch`."""
    if isinstance(system, PeerSystem):
        enqueue_seconds, consume_seconds = system.lifecycle_seconds(jobs, batch)
    else:
        enqueue_seconds = _enqueue(system, jobs, batch)
        consume_seconds = _consume(system, jobs, batch)
    left = system.waiting()
    if left:
        raise BenchmarkFailed(
            f"{system.name} at {system.durability} has {left} jobs left that nobody enqueued"
        )
    return {
        "jobs_per_second": jobs / (enqueue_seconds + consume_seconds),
        "enqueue_per_second": jobs / enqueue_seconds,
        "consume_per_second": jobs / consume_seconds,
    }


def _enqueue(system: System, jobs: int, batch: int) -> float:
    began = time.perf_counter()
    for _ in range(jobs // batch):
        system.enqueue(batch)
    return time.perf_counter() - began


def _consume(system: System, jobs: int, batch: int) -> float:
    finished = 0
    began = time.perf_counter()
    while finished < jobs:
        taken = system.consume(batch)
        if not taken:
            raise BenchmarkFailed(
                f"{system.name} at {system.durability} ran dry at {finished} of {jobs} jobs"
            )
        finished += taken
    return time.perf_counter() - began
