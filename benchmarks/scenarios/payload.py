"""Enqueue, claim and finish with bodies from 100 bytes to 100 kB; they must never differ between systems."""

from collections.abc import Sequence
from functools import partial

from benchmarks.contestants import Contestant, open_systems
from benchmarks.payload import body_of
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.scenarios import lifecycle
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.systems.system import LoggingSystem

SCENARIO = "payload"
JOBS = {
    100: {1: 1_000, 100: 20_000},
    1_000: {1: 1_000, 100: 15_000},
    10_000: {1: 600, 100: 4_000},
    100_000: {1: 200, 100: 600},
}
"""By size of the body and by batch: enough for about a second, the same for every system."""
BYTES_PER_MEGABYTE = 1_000_000


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """The rows of `lifecycle` per size and batch, and the bodies' megabytes per second."""
    cells = [(size, batch, count) for size, counts in JOBS.items() for batch, count in counts.items()]
    progress.begin(SCENARIO, len(cells) * len(contestants) * (plan.rounds + 1))
    rows: list[Row] = []
    with open_systems(contestants, plan.given) as opened:
        systems = [system for system in opened if isinstance(system, (PgQueue, RedisStreams))]
        for size, batch, count in cells:
            jobs = max(plan.scaled(count) // batch, 1) * batch
            readings = interleave(
                systems,
                rounds=plan.rounds,
                warm_up=partial(measure, size=size, jobs=batch, batch=batch),
                measure=partial(measure, size=size, jobs=jobs, batch=batch),
                progress=progress,
            )
            for system, rounds in zip(systems, readings, strict=True):
                rows += rows_of(
                    rounds,
                    scenario=SCENARIO,
                    system=system.name,
                    durability=system.durability,
                    batch=batch,
                    settings={"body_bytes": size},
                )
    return rows


def measure(system: LoggingSystem, *, size: int, jobs: int, batch: int) -> Readings:
    """One round of `lifecycle` with bodies of that size."""
    system.carry(body_of(size))
    readings = lifecycle.measure(system, jobs=jobs, batch=batch)
    return {**readings, "megabytes_per_second": readings["jobs_per_second"] * size / BYTES_PER_MEGABYTE}
