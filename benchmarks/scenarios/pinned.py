"""Enqueue and consume while another session holds a snapshot open, against the same without.

Every measurement has a database of its own: what one leaves dead must never slow the next.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from benchmarks.contestants import Contestant
from benchmarks.crew import FORKED, Crew
from benchmarks.failures import BenchmarkFailed
from benchmarks.flow import SLICES, WARM_UP_SLICES, Flow, Timeline, last_over_first, per_second
from benchmarks.horizon import horizon
from benchmarks.host import Host, connect, postgres_host
from benchmarks.latency import percentile
from benchmarks.load import FULL_BATCH, Consumed, Load, consume, produce
from benchmarks.plan import Plan
from benchmarks.relations import dead_tuples
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, Settings, ratios, rows_of
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.system import TableSystem
from benchmarks.tally import Tally
from benchmarks.worker_process import WorkerProcess

SCENARIO = "pinned"
SECONDS = 60.0
RATE = 2_000
LOOK_SECONDS = 0.005
"""Between two readings of what the worker has run: the producer goes by it."""
DEAD, AT = "dead tuples of ", "jobs per second at "
MANY = {DEAD: ("relation", "dead_tuples", str), AT: ("second", "jobs_per_second_at", float)}
"""How the name of a reading begins of which there are many: the setting it ends in, the metric, its kind."""


@dataclass(frozen=True)
class Stretch:
    """One kind of measurement. rate: jobs per second; None for as fast as it goes."""

    contestant: Contestant
    through: Literal["client", "worker"]
    rate: int | None
    is_pinned: bool

    @property
    def settings(self) -> Settings:
        """What tells it from the others, in its rows."""
        load = "full speed" if self.rate is None else f"{self.rate} per second"
        return {"through": self.through, "load": load, "horizon": "pinned" if self.is_pinned else "free"}


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Per kind of load: figures with a free horizon and with a pinned one, and the ratio of both."""
    stretches = [stretch for contestant in contestants for stretch in _stretches(contestant)]
    progress.begin(SCENARIO, len(stretches) * plan.rounds)
    with postgres_host(given=plan.given) as host:
        readings = interleave(
            stretches,
            rounds=plan.rounds,
            measure=partial(measure, host=host, seconds=plan.seconds_or(SECONDS)),
            progress=progress,
        )
    measured = dict(zip(stretches, readings, strict=True))
    return [row for stretch in stretches for row in _rows_of(stretch, measured)]


def _stretches(contestant: Contestant) -> Iterator[Stretch]:
    """Free and pinned next to each other, so that a ratio's two sides are measured one after the other."""
    for is_pinned in (False, True):
        yield Stretch(contestant, "client", RATE, is_pinned)
    for is_pinned in (False, True):
        yield Stretch(contestant, "client", None, is_pinned)
    for is_pinned in (False, True) if contestant.system == PgQueue.name else ():
        yield Stretch(contestant, "worker", None, is_pinned)


def _rows_of(stretch: Stretch, measured: dict[Stretch, list[Readings]]) -> list[Row]:
    rounds = measured[stretch]
    make = partial(
        rows_of,
        scenario=SCENARIO,
        system=stretch.contestant.system,
        durability=stretch.contestant.durability,
        batch=FULL_BATCH if stretch.through == "client" else 0,
    )
    plain = [
        {name: value for name, value in one.items() if not name.startswith(tuple(MANY))} for one in rounds
    ]
    rows = make(plain, settings=stretch.settings)
    for beginning, (setting, metric, kind) in MANY.items():
        for name in dict.fromkeys(name for one in rounds for name in one if name.startswith(beginning)):
            settings = {**stretch.settings, setting: kind(name.removeprefix(beginning))}
            rows += make([{metric: one.get(name, 0.0)} for one in rounds], settings=settings)
    if stretch.is_pinned:
        free = measured[replace(stretch, is_pinned=False)]
        rows += make(_ratios(plain, free), settings=stretch.settings)
    return rows


def _ratios(pinned: Sequence[Readings], free: Sequence[Readings]) -> list[Readings]:
    """What a pinned horizon does, round by round. Throughput: more is better; p99: less is."""
    throughput = ratios(pinned, free, "jobs_per_second")
    if "claim_p99_seconds" not in pinned[0]:
        return [{"throughput_ratio": ratio} for ratio in throughput]
    slowest = ratios(pinned, free, "claim_p99_seconds")
    return [
        {"throughput_ratio": ratio, "claim_p99_ratio": p99}
        for ratio, p99 in zip(throughput, slowest, strict=True)
    ]


def measure(stretch: Stretch, *, host: Host, seconds: float) -> Readings:
    """One stretch on a fresh database; every job is accounted for at its end."""
    by_client = stretch.through == "client"
    with host.database(stretch.contestant) as dsn, horizon(dsn, is_pinned=stretch.is_pinned):
        flow = Flow(parties=2)
        consumed = (_by_client if by_client else _by_worker)(stretch, dsn, flow, seconds)
        system = connect(stretch.contestant, dsn)
        try:
            check_accounts(system, flow, finished=flow.finished.value if by_client else _ended(system))
        finally:
            system.close()
        dead = {DEAD + name: float(count) for name, count in dead_tuples(dsn).items()}
    return _figures(consumed, seconds) | dead


def _figures(consumed: Consumed, seconds: float) -> dict[str, float]:
    figures = {
        "jobs_per_second": per_second(consumed.counts, seconds),
        "last_third_over_first": last_over_first(consumed.counts),
    }
    if consumed.claim_seconds:
        figures["claim_p50_seconds"] = percentile(consumed.claim_seconds, 0.5)
        figures["claim_p99_seconds"] = percentile(consumed.claim_seconds, 0.99)
    return figures | _over_time(consumed.counts, seconds)


def _over_time(counts: Sequence[int], seconds: float) -> dict[str, float]:
    """The rate in each slice, named by the second in its middle, the warm-up aside."""
    slice_seconds = seconds / SLICES
    return {
        f"{AT}{(place + 0.5) * slice_seconds:.2f}": count / slice_seconds
        for place, count in enumerate(counts)
        if place >= WARM_UP_SLICES
    }


def check_accounts(system: TableSystem, flow: Flow, *, finished: int) -> None:
    """Fail unless every job enqueued is finished or still there."""
    enqueued, left = flow.enqueued.value, system.waiting()
    if enqueued != finished + left:
        raise BenchmarkFailed(
            f"{system.name} was given {enqueued} jobs, finished {finished} and has {left} left:"
            f" {enqueued - finished - left} are lost"
        )


def _ended(system: TableSystem) -> int:
    if not isinstance(system, PgQueue):
        raise BenchmarkFailed(f"{system.name} brings no worker")
    return system.ended()


def _by_client(stretch: Stretch, dsn: str, flow: Flow, seconds: float) -> Consumed:
    with Crew(FORKED) as crew:
        producer = crew.start(produce, stretch.contestant, dsn, flow, Load(seconds, stretch.rate))
        consumer = crew.start(consume, stretch.contestant, dsn, flow, seconds)
        producer.answer()
        return consumer.answer()


def _by_worker(stretch: Stretch, dsn: str, flow: Flow, seconds: float) -> Consumed:
    """A `pgqueue worker` process consumes; its handlers count themselves."""
    with Tally() as tally, WorkerProcess(dsn, tally=tally.folder) as worker, Crew(FORKED) as crew:
        worker.await_joined()
        load = Load(seconds, stretch.rate, is_counted=True)
        producer = crew.start(produce, stretch.contestant, dsn, flow, load)
        timeline = Timeline(flow.begin(), seconds)
        while time.monotonic() < timeline.ends:
            time.sleep(LOOK_SECONDS)
            ran = tally.total()
            timeline.add(ran - flow.finished.value, time.monotonic())
            flow.finished.value = ran
            worker.check_alive()
        producer.answer()
    return Consumed(timeline.counts, [])
