"""What a claim costs with so many jobs waiting, and with as many scheduled for later.

The backlog must never shrink while it is measured: what was consumed is put back, outside the measured time.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import psycopg

from benchmarks.contestants import Contestant
from benchmarks.cpu import backends_cpu_seconds
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host, connect, postgres_host
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, Settings, ratios, rows_of
from benchmarks.systems.system import TableSystem

SCENARIO = "backlog"
SIZES = (10_000, 100_000, 1_000_000)
FULL_SIZE = 10_000_000
CLAIMED = 4_000
"""At once, before as many are put back: always the same, and less than half of the smallest backlog."""
PASSES = {10: 1, 100: 4}
"""By batch size: how often that is done in one measurement."""
FILL_BATCH = 100_000
LATER = "1 day"


@dataclass(frozen=True)
class Backlog:
    """So many jobs waiting, and so many scheduled for tomorrow."""

    contestant: Contestant
    waiting: int
    scheduled: int

    @property
    def settings(self) -> Settings:
        """What tells it from the others, in its rows."""
        return {"waiting": self.waiting, "scheduled": self.scheduled}


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Per backlog the rate and the server's CPU, and how both compare with the smallest backlog."""
    backlogs = [backlog for contestant in contestants for backlog in _backlogs(contestant, _sizes(plan))]
    claimed = min(CLAIMED, min(backlog.waiting for backlog in backlogs) // 2)
    progress.begin(SCENARIO, len(backlogs) * (1 + (plan.rounds + 1) * len(PASSES)))
    rows: list[Row] = []
    with ExitStack() as stack:
        host = stack.enter_context(postgres_host())
        filled = {backlog: _filled(backlog, host, stack, progress) for backlog in backlogs}
        host.admin.execute("checkpoint")
        for batch in PASSES:
            consume = partial(measure, filled=filled, batch=batch, jobs=claimed // batch * batch)
            readings = interleave(
                backlogs, rounds=plan.rounds, warm_up=consume, measure=consume, progress=progress
            )
            rows += _rows_of(dict(zip(backlogs, readings, strict=True)), batch)
        for backlog, system in filled.items():
            check_backlog(backlog, system)
    return rows


def _sizes(plan: Plan) -> list[int]:
    sizes = (*SIZES, FULL_SIZE) if plan.is_full else SIZES
    return [plan.scaled(size, least=200) for size in sizes]


def _backlogs(contestant: Contestant, sizes: Sequence[int]) -> Iterator[Backlog]:
    for size in sorted({*sizes}):
        yield Backlog(contestant, size, 0)
        yield Backlog(contestant, size, size)


def _filled(backlog: Backlog, host: Host, stack: ExitStack, progress: Progress) -> TableSystem:
    dsn = stack.enter_context(host.database(backlog.contestant))
    system = connect(backlog.contestant, dsn)
    stack.callback(system.close)
    for count, delay in ((backlog.scheduled, LATER), (backlog.waiting, "0")):
        for part in _parts(count):
            system.fill(part, delay=delay)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")  # else autovacuum would, in the middle of a measurement
    progress.advance()
    return system


def _parts(count: int) -> Iterator[int]:
    while count:
        yield min(count, FILL_BATCH)
        count -= min(count, FILL_BATCH)


def measure(backlog: Backlog, *, filled: dict[Backlog, TableSystem], batch: int, jobs: int) -> Readings:
    """Claim and finish so many from the head of the backlog, then put as many back at its end; repeatedly."""
    system = filled[backlog]
    took = spent = 0.0
    for _ in range(PASSES[batch]):
        cpu, began = backends_cpu_seconds(system.dsn), time.perf_counter()
        for _ in range(jobs // batch):
            if system.consume(batch) != batch:
                raise BenchmarkFailed(
                    f"{system.name} gave less than {batch} of {backlog.waiting} jobs waiting"
                )
        took += time.perf_counter() - began
        spent += backends_cpu_seconds(system.dsn) - cpu
        system.fill(jobs)
    claims = jobs // batch * PASSES[batch]
    return {"jobs_per_second": claims * batch / took, "server_cpu_seconds_per_claim": spent / claims}


def check_backlog(backlog: Backlog, system: TableSystem) -> None:
    """Fail unless every job is there."""
    left = system.waiting()
    if left != backlog.waiting + backlog.scheduled:
        raise BenchmarkFailed(
            f"{system.name} has {left} jobs: of {backlog.waiting} waiting and {backlog.scheduled} scheduled"
            " some are lost"
        )


def _rows_of(measured: dict[Backlog, list[Readings]], batch: int) -> list[Row]:
    rows: list[Row] = []
    for backlog, rounds in measured.items():
        make = partial(
            rows_of,
            scenario=SCENARIO,
            system=backlog.contestant.system,
            durability=backlog.contestant.durability,
            batch=batch,
            settings=backlog.settings,
        )
        smallest = next(
            other for other in measured if other.contestant == backlog.contestant
        )  # the first of its system: the fewest jobs, none scheduled
        rows += make(rounds)
        if backlog != smallest:
            rows += make(_costs(measured[smallest], rounds))
    return rows


def _costs(smallest: Sequence[Readings], rounds: Sequence[Readings]) -> list[Readings]:
    """Time and CPU per claim over those with the smallest backlog: above 1, the backlog costs."""
    times = ratios(smallest, rounds, "jobs_per_second")
    cpu = ratios(rounds, smallest, "server_cpu_seconds_per_claim")
    return [
        {"cost_ratio": time_ratio, "server_cpu_ratio": cpu_ratio}
        for time_ratio, cpu_ratio in zip(times, cpu, strict=True)
    ]
