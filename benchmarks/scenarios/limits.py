"""What this machine does at best, our share of it, and where the rest goes.

A limit must never be taken from another run than what is held against it: both alternate, round by round.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks import machine
from benchmarks.contestants import Contestant
from benchmarks.costs import ELAPSED, MICROSECONDS, costs_of_steps, costs_of_working, rows_of_costs
from benchmarks.databases import with_options
from benchmarks.host import Host, postgres_host
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, ratios, rows_of
from benchmarks.scenarios import lifecycle
from benchmarks.systems.pgqueue import SESSION_OPTIONS, PgQueue
from benchmarks.tally import Tally
from benchmarks.worker_process import WorkerProcess

SCENARIO = "limits"
MACHINE = "machine"
"""The system of a limit, in its rows."""
RATE = "per_second"
SECONDS = 2.0
"""Of pgbench, each time."""
ROWS = 100_000
JOBS = 50_000
SINGLES = 1_500
CALLS = 300_000
MANY = 10_000
"""Jobs of one `enqueue_many`."""
STEPS = {1: 1_000, 10: 5_000, 100: 20_000, 1_000: 30_000}
"""By batch size: how many jobs are enqueued, claimed and finished to see what each step costs."""


@dataclass(frozen=True)
class Probe:
    """A rate. limit: the name of the probe it is held against; None makes it a limit itself."""

    name: str
    batch: int
    rate: Callable[[], float]
    limit: str | None = None

    def measure(self) -> Readings:
        """One round of it."""
        return {RATE: self.rate()}


@dataclass(frozen=True)
class CostProbe:
    """What a job costs in batches of that size."""

    batch: int
    measure: Callable[[], Readings]


@dataclass(frozen=True)
class Bench:
    """pgqueue at one durability, a bare database beside it, and a worker that waits in a third."""

    contestant: Contestant
    bare: machine.Machine
    system: PgQueue
    worked: PgQueue
    worker: WorkerProcess
    tally: Tally

    def probes(self, plan: Plan) -> list[Probe]:
        """Whatever is held against a limit follows it, so that the machine is the same for both."""
        rows, calls, jobs = plan.scaled(ROWS), plan.scaled(CALLS), plan.scaled(JOBS)
        seconds = plan.seconds_or(SECONDS)
        return [
            Probe("handler_calls", 1, partial(machine.handler_calls_per_second, calls)),
            Probe("work", jobs, partial(self._worked_per_second, jobs), "handler_calls"),
            Probe("json_calls", 1, partial(machine.json_calls_per_second, calls)),
            Probe("round_trips", 1, partial(self.bare.round_trips_per_second, seconds)),
            Probe("fsyncs", 1, machine.fsyncs_per_second),
            Probe("fdatasyncs", 1, machine.fdatasyncs_per_second),
            Probe("commits", 1, partial(self.bare.commits_per_second, seconds)),
            self._headline("enqueue", "commits", plan.scaled(SINGLES), 1, "enqueue_per_second"),
            Probe("copied_rows", rows, partial(self.bare.copied_rows_per_second, rows)),
            self._headline("enqueue_many", "copied_rows", jobs, MANY, "enqueue_per_second"),
            self._headline("lifecycle", "copied_rows", jobs, 1_000, "jobs_per_second"),
            self._headline("lifecycle", "copied_rows", jobs, 100, "jobs_per_second"),
        ]

    def cost_probes(self, plan: Plan) -> list[CostProbe]:
        """The steps of one client by batch size; last the worker, which claims as it likes."""
        steps = [
            CostProbe(batch, partial(costs_of_steps, self.system, jobs=jobs, batch=batch))
            for batch, count in STEPS.items()
            for jobs in [_whole(plan.scaled(count), batch)]
        ]
        jobs = plan.scaled(JOBS)
        return [*steps, CostProbe(jobs, partial(self._work, jobs))]

    def _headline(self, name: str, limit: str, jobs: int, batch: int, metric: str) -> Probe:
        """A figure of the scenario `lifecycle`."""
        measure = partial(lifecycle.measure, self.system, jobs=_whole(jobs, batch), batch=batch)
        return Probe(name, batch, lambda: measure()[metric], limit)

    def _worked_per_second(self, jobs: int) -> float:
        return MICROSECONDS / self._work(jobs)[f"work {ELAPSED}"]

    def _work(self, jobs: int) -> Readings:
        return costs_of_working(self.worked, self.worker, self.tally, jobs=jobs)


def _whole(jobs: int, batch: int) -> int:
    return max(jobs // batch, 1) * batch


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Per limit its rate; per headline its rate and its share; per step of a job what it costs."""
    rows: list[Row] = []
    with postgres_host() as host:
        for contestant in contestants:
            with _open_bench(contestant, host) as bench:
                rows += _shares(bench, plan, progress) + _costs(bench, plan, progress)
    return rows


@contextmanager
def _open_bench(contestant: Contestant, host: Host) -> Iterator[Bench]:
    with ExitStack() as stack:
        system = _open_queue(contestant, host, stack, is_counted=False)
        worked = _open_queue(contestant, host, stack, is_counted=True)
        tally = stack.enter_context(Tally())
        worker = stack.enter_context(WorkerProcess(worked.dsn, tally=tally.folder))
        worker.await_joined()
        bare = stack.enter_context(host.bare_database())
        system.enqueue(MANY)
        best = machine.Machine(
            with_options(bare, SESSION_OPTIONS[contestant.durability]),
            row_bytes=machine.stored_bytes(system.dsn),
        )
        stack.callback(best.close)
        system.consume(MANY)
        yield Bench(contestant, best, system, worked, worker, tally)


def _open_queue(contestant: Contestant, host: Host, stack: ExitStack, *, is_counted: bool) -> PgQueue:
    dsn = stack.enter_context(host.database(contestant))
    system = PgQueue(dsn, contestant.durability, is_counted=is_counted)
    stack.callback(system.close)
    return system


def _shares(bench: Bench, plan: Plan, progress: Progress) -> list[Row]:
    probes = bench.probes(plan)
    progress.begin(f"{SCENARIO}: shares", len(probes) * (plan.rounds + 1))
    readings = interleave(
        probes, rounds=plan.rounds, warm_up=Probe.measure, measure=Probe.measure, progress=progress
    )
    measured = dict(zip(probes, readings, strict=True))
    return [row for probe in probes for row in rows_of_probe(probe, measured, bench.contestant)]


def rows_of_probe(
    probe: Probe, measured: Mapping[Probe, Sequence[Readings]], contestant: Contestant
) -> list[Row]:
    """Its rate, and its share of its limit in the same round."""
    make = partial(rows_of, scenario=SCENARIO, durability=contestant.durability, batch=probe.batch)
    rates = [{f"{probe.name}_per_second": reading[RATE]} for reading in measured[probe]]
    if probe.limit is None:
        return make(rates, system=MACHINE)
    limit = next(other for other in measured if other.name == probe.limit)
    shares = [{"share_of_limit": share} for share in ratios(measured[probe], measured[limit], RATE)]
    settings = {"of": probe.name, "limit": limit.name}
    return make(rates, system=contestant.system) + make(shares, system=contestant.system, settings=settings)


def _costs(bench: Bench, plan: Plan, progress: Progress) -> list[Row]:
    probes = bench.cost_probes(plan)
    progress.begin(f"{SCENARIO}: costs", len(probes) * plan.rounds)  # warm by now
    readings = interleave(
        probes,
        rounds=plan.rounds,
        measure=lambda probe: probe.measure(),
        progress=progress,
    )
    rows: list[Row] = []
    for probe, rounds in zip(probes, readings, strict=True):
        rows += rows_of_costs(rounds, scenario=SCENARIO, contestant=bench.contestant, batch=probe.batch)
    return rows
