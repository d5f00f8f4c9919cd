"""One worker process: its throughput, its pickup of a job when idle; it must never run two workers."""

import random
import statistics
import time
from collections.abc import Sequence
from functools import partial

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.stamps import Stamps
from benchmarks.systems.worker_system import WorkerSystem
from benchmarks.tally import Tally
from benchmarks.worker_systems import open_workers

SCENARIO = "worker"
WARM_UP_DIVISOR = 10
PICKUPS_BEFORE = 5
"""Not counted: the first job of a kind imports, connects and plans."""
FEWEST_PICKUPS = 2
SHORTEST_IDLE_SECONDS, LONGEST_IDLE_SECONDS = 0.03, 0.08
"""Between two pickups: long enough that the worker sleeps, uneven so that no timer falls into step."""


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Six rows per system and durability."""
    # pgqueue's worker finishes late by default: at `fsync-enqueue` it would be measured twice.
    measured = [contestant for contestant in contestants if contestant.durability != "fsync-enqueue"]
    rows: list[Row] = []
    with open_workers(measured, plan.given) as systems:
        progress.begin(SCENARIO, len(systems) * (plan.rounds + 1))
        readings = interleave(
            systems,
            rounds=plan.rounds,
            warm_up=partial(_warm_up, plan=plan),
            measure=partial(_measure_whole, plan=plan),
            progress=progress,
        )
    for system, rounds in zip(systems, readings, strict=True):
        rows += _rows_of(system, rounds, plan)
    return rows


def _rows_of(system: WorkerSystem, rounds: Sequence[Readings], plan: Plan) -> list[Row]:
    rows: list[Row] = []
    for ending, batch in (
        ("_per_second", plan.scaled(system.jobs)),
        ("_seconds", _pickups(system, plan)),
    ):
        chosen = [
            {name: value for name, value in reading.items() if name.endswith(ending)} for reading in rounds
        ]
        rows += rows_of(
            chosen, scenario=SCENARIO, system=system.name, durability=system.durability, batch=batch
        )
    return rows


def _warm_up(system: WorkerSystem, plan: Plan) -> Readings:
    return measure(system, jobs=plan.scaled(system.jobs // WARM_UP_DIVISOR), pickups=FEWEST_PICKUPS)


def _measure_whole(system: WorkerSystem, plan: Plan) -> Readings:
    return measure(system, jobs=plan.scaled(system.jobs), pickups=_pickups(system, plan))


def _pickups(system: WorkerSystem, plan: Plan) -> int:
    return plan.scaled(system.pickups, least=FEWEST_PICKUPS)


def measure(system: WorkerSystem, *, jobs: int, pickups: int) -> Readings:
    """One round: fill the queue, start a worker and let it drain it, then wake it job by job."""
    bulk_seconds = system.bulk_seconds(jobs)
    with Stamps() as stamps, Tally() as tally:
        began = time.perf_counter()
        with system.worker(stamps.path, tally.folder) as worker:
            worker.await_that(lambda: tally.total() > 0)
            first = time.perf_counter()
            worker.await_that(lambda: tally.total() >= jobs)
            worker.await_that(system.is_drained)
            ended = time.perf_counter()
            delays = _pickup_seconds(system, stamps, pickups)
            worker.await_that(system.is_drained)  # the last stamp may still be finishing
        _check(system, tally.total(), jobs)
    return {
        "jobs_per_second": jobs / (ended - began),
        "drain_per_second": jobs / (ended - first),
        "enqueue_per_second": jobs / bulk_seconds,
        "startup_seconds": first - began,
        "pickup_p50_seconds": statistics.median(delays),
        "pickup_p99_seconds": statistics.quantiles(delays, n=100, method="inclusive")[-1],
    }


def _check(system: WorkerSystem, handled: int, jobs: int) -> None:
    """No worker crashed, so at least once has to be once."""
    if handled != jobs:
        raise BenchmarkFailed(
            f"{system.name} at {system.durability} ran {handled} handlers for {jobs} jobs: some ran twice"
        )


def _pickup_seconds(system: WorkerSystem, stamps: Stamps, pickups: int) -> list[float]:
    delays = [_one_pickup_seconds(system, stamps) for _ in range(PICKUPS_BEFORE + pickups)]
    return delays[PICKUPS_BEFORE:]


def _one_pickup_seconds(system: WorkerSystem, stamps: Stamps) -> float:
    """From the call that sends it, its commit included, to the handler's first line."""
    time.sleep(random.uniform(SHORTEST_IDLE_SECONDS, LONGEST_IDLE_SECONDS))
    sent_ns = system.send()
    return (stamps.next_start().at_ns - sent_ns) / 1e9
