"""What waking costs those who enqueue: 32 clients of pgbench, one job per transaction.

What is compared must never differ in anything but the bell: the same workers do the same work beside it.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host, postgres_host
from benchmarks.pgbench import run_pgbench
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, Settings, ratios, rows_of
from benchmarks.stamps import Stamps
from benchmarks.systems.pgqueue import BODY, PgQueue
from benchmarks.tally import Tally
from benchmarks.tasks import QUEUE, counted
from benchmarks.worker_process import CONCURRENCY, WorkerProcess

SCENARIO = "notify"
SECONDS = 5.0
CLIENTS = 32
NUDGE_SECONDS = 0.1
START_SECONDS = 120.0
FALL_ASLEEP_SECONDS = 0.3
"""An idle worker sleeps after some milliseconds of polling; from outside it cannot be seen."""
Bell = Literal["none", "ours", "notify always"]
Workers = Literal["none", "busy", "idle"]
SLOW_DISK = {"commit_delay": "2000", "commit_siblings": "0"}
DISKS: dict[str, dict[str, str]] = {"as it is": {}, "commit_delay=2000": SLOW_DISK}
ENQUEUE = "pgqueue.enqueue(queue => '{queue}', task => '{task}', payload => '{body}', ring => {ring})"


@dataclass(frozen=True)
class Case:
    """What is measured: who rings, and who there is to hear.

    workers: none; busy, with every slot taken by other work, so that the jobs wait; idle, asleep on watch
    when the load begins, so that it is rung for, wakes, and runs everything that is enqueued.
    """

    contestant: Contestant
    disk: str
    bell: Bell
    workers: Workers

    @property
    def settings(self) -> Settings:
        """What tells it from the others, in its rows."""
        return {"disk": self.disk, "bell": self.bell, "workers": self.workers, "clients": CLIENTS}

    def without_bell(self, workers: Workers) -> "Case":
        """What it is compared with."""
        return Case(self.contestant, self.disk, "none", workers)


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Per case transactions per second, and with a bell the ratio to none."""
    cases = [case for contestant in contestants for disk in DISKS for case in _cases(contestant, disk)]
    progress.begin(SCENARIO, len(cases) * plan.rounds)
    with postgres_host(given=plan.given) as host:
        readings = interleave(
            cases,
            rounds=plan.rounds,
            measure=partial(measure, host=host, seconds=plan.seconds_or(SECONDS)),
            progress=progress,
        )
    measured = dict(zip(cases, readings, strict=True))
    return [row for case in cases for row in _rows_of(case, measured)]


def _cases(contestant: Contestant, disk: str) -> Iterator[Case]:
    yield Case(contestant, disk, "none", "none")
    yield Case(contestant, disk, "ours", "busy")
    yield Case(contestant, disk, "none", "idle")
    yield Case(contestant, disk, "ours", "idle")
    yield Case(contestant, disk, "notify always", "none")


def _rows_of(case: Case, measured: dict[Case, list[Readings]]) -> list[Row]:
    make = partial(
        rows_of,
        scenario=SCENARIO,
        system=case.contestant.system,
        durability=case.contestant.durability,
        batch=1,
        settings=case.settings,
    )
    rows = make(measured[case])
    if case.bell == "none":
        return rows
    # An idle worker runs the jobs on the same cores. Its bell is compared with none beside the same worker;
    # over nobody at all, it is the price of running the jobs too.
    alone = ratios(measured[case], measured[case.without_bell("none")], "enqueue_per_second")
    if case.workers != "idle":
        return rows + make([{"ratio_to_no_bell": ratio} for ratio in alone])
    same = ratios(measured[case], measured[case.without_bell("idle")], "enqueue_per_second")
    return rows + make(
        [
            {"ratio_to_no_bell": ratio, "ratio_to_no_bell_and_no_worker": lonely}
            for ratio, lonely in zip(same, alone, strict=True)
        ]
    )


def measure(case: Case, *, host: Host, seconds: float) -> Readings:
    """One case on a fresh database; every job is accounted for at its end."""
    with ExitStack() as stack:
        dsn = stack.enter_context(host.database(case.contestant, DISKS[case.disk]))
        system = PgQueue(dsn, case.contestant.durability, is_counted=True)
        stack.callback(system.close)
        worker = stack.enter_context(_workers(case.workers, system))
        # All jobs are to be there: waiting where nobody runs them, else finished.
        count = system.ended if case.workers == "idle" else system.waiting
        before = count()
        with _nudges(case, system) as nudges:
            jobs, per_second = run_pgbench(system.dsn, script(case.bell), clients=CLIENTS, seconds=seconds)
        if worker and case.workers == "idle":
            worker.await_that(system.is_drained)
        found = count() - before - nudges.sent
    if found != jobs:
        raise BenchmarkFailed(f"{case.settings}: {jobs} transactions committed, {found} jobs found")
    return {"enqueue_per_second": per_second}


class Nudges(threading.Thread):
    """A few jobs that do ring, so that a worker which is not rung for otherwise wakes too, and works."""

    def __init__(self, system: PgQueue) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.is_over = threading.Event()
        self._system = system

    def run(self) -> None:
        """Send them until it is over."""
        while not self.is_over.wait(NUDGE_SECONDS):
            self._system.enqueue(1)
            self.sent += 1


@contextmanager
def _nudges(case: Case, system: PgQueue) -> Iterator[Nudges]:
    """The same with our bell and with none, while pgbench runs; for idle workers only."""
    nudges = Nudges(system)
    if case.workers == "idle":
        nudges.start()
    try:
        yield nudges
    finally:
        nudges.is_over.set()
        if case.workers == "idle":
            nudges.join()


def script(bell: Bell) -> str:
    """One statement, one round trip, whatever the bell."""
    ring = "true" if bell == "ours" else "false"
    enqueue = ENQUEUE.format(queue=QUEUE, task=counted.name, body=BODY, ring=ring)
    notify = f", pg_notify('{QUEUE}', '')" if bell == "notify always" else ""
    return f"select {enqueue}{notify};\n"


@contextmanager
def _workers(kind: Workers, system: PgQueue) -> Iterator[WorkerProcess | None]:
    if kind == "none":
        yield None
        return
    concurrency = 1 if kind == "busy" else CONCURRENCY
    with (
        Tally() as tally,
        Stamps() as stamps,
        WorkerProcess(system.dsn, stamps.path, tally=tally.folder, concurrency=concurrency) as worker,
    ):
        release = stamps.folder / "release"
        if kind == "busy":
            system.enqueue_hold(0, release)
            stamps.next_start(START_SECONDS)
        else:
            system.enqueue_stamp()
            stamps.next_start(START_SECONDS)
            worker.await_that(system.is_drained)
            time.sleep(FALL_ASLEEP_SECONDS)
        yield worker
        worker.check_alive()
        release.touch()
