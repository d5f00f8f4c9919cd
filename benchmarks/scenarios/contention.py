"""How fast a queue drains with 1 to 64 claimers, each a process of its own; no job may be left or lost."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.claimers import PATIENCE_SECONDS, Drain, claim_for_ever
from benchmarks.contestants import Contestant
from benchmarks.crew import FORKED, Crew
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host, connect, postgres_host
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.servers import redis_server
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.systems.system import SharedSystem, System

SCENARIO = "contention"
CLAIMERS = (1, 2, 4, 8, 16, 32, 64)
JOBS = {10: 20_000, 100: 60_000}
"""By batch size: enough for a second or more."""


@dataclass(frozen=True)
class Case:
    """So many claimers of one system."""

    contestant: Contestant
    claimers: int


class Field:
    """A queue, and all its claimers waiting for the word."""

    def __init__(
        self, system: SharedSystem, connect: Callable[[], System], most: int, stack: ExitStack
    ) -> None:
        self.system = system
        self.drain = Drain(most)
        crew = stack.enter_context(Crew(FORKED))
        for number in range(most):
            crew.start(claim_for_ever, connect, self.drain, number)
        for _ in range(most):
            self.drain.answers.get(timeout=PATIENCE_SECONDS)


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Per number of claimers the drain rate, and its share of the best."""
    counts = [count for count in CLAIMERS if count <= plan.scaled(max(CLAIMERS), least=2)]
    cases = [Case(contestant, count) for contestant in contestants for count in counts]
    progress.begin(SCENARIO, len(cases) * plan.rounds * len(JOBS))
    rows: list[Row] = []
    with ExitStack() as stack:
        host = stack.enter_context(postgres_host(given=plan.given))
        fields = {one: _open_field(one, host, max(counts), plan, stack) for one in contestants}
        for batch, jobs in JOBS.items():
            readings = interleave(
                cases,
                rounds=plan.rounds,
                measure=partial(measure, fields=fields, batch=batch, jobs=plan.scaled(jobs, least=2 * batch)),
                progress=progress,
            )
            rows += _rows_of(dict(zip(cases, readings, strict=True)), batch)
    return rows


def _open_field(contestant: Contestant, host: Host, most: int, plan: Plan, stack: ExitStack) -> Field:
    system: SharedSystem
    another: Callable[[], System]
    if contestant.system == RedisStreams.name:
        url = plan.given.redis_url or f"unix://{stack.enter_context(redis_server(contestant.durability))}"
        system = stream = RedisStreams(url, contestant.durability)
        another = partial(RedisStreams, url, contestant.durability, joins=stream.stream)
    else:
        dsn = stack.enter_context(host.database(contestant))
        system, another = connect(contestant, dsn), partial(connect, contestant, dsn)
    stack.callback(system.close)
    return Field(system, another, most, stack)


def measure(case: Case, *, fields: dict[Contestant, Field], batch: int, jobs: int) -> Readings:
    """Fill the queue, then time its drain."""
    field = fields[case.contestant]
    field.system.fill(jobs)
    seconds = field.drain.run(case.claimers, jobs, batch)
    left = field.system.waiting()
    if left:
        raise BenchmarkFailed(f"{case.contestant.system} was drained of {jobs} jobs, and {left} are left")
    return {"jobs_per_second": jobs / seconds}


def _rows_of(measured: dict[Case, list[Readings]], batch: int) -> list[Row]:
    rows: list[Row] = []
    for case, rounds in measured.items():
        rivals = [readings for other, readings in measured.items() if other.contestant == case.contestant]
        shares = [
            {"share_of_best": one["jobs_per_second"] / _best(rivals, turn)} for turn, one in enumerate(rounds)
        ]
        for readings in (rounds, shares):
            rows += rows_of(
                readings,
                scenario=SCENARIO,
                system=case.contestant.system,
                durability=case.contestant.durability,
                batch=batch,
                settings={"claimers": case.claimers},
            )
    return rows


def _best(rivals: Sequence[list[Readings]], turn: int) -> float:
    return max(rival[turn]["jobs_per_second"] for rival in rivals)
