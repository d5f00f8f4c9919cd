"""From kill -9 of a worker to the next start of the job it was running, in another worker.

The job killed must never be one that could have ended: its handler waits for a word that never comes.
"""

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import postgres_host
from benchmarks.plan import Plan
from benchmarks.rounds import Progress
from benchmarks.rows import Row, Settings, rows_of
from benchmarks.stamps import Stamps
from benchmarks.stream_recovery import MIN_IDLE_MILLISECONDS, restart_seconds
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.worker_process import WorkerProcess

SCENARIO = "recovery"
KILLS = 20
STREAM_KILLS = 6
"""Fewer: each lasts as long as the idle time that is chosen, whatever else happens."""
ANY = "any"
START_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 1.0
"""Before a kill, at random: it may fall anywhere between two rounds of whoever looks for the dead."""
Victim = Literal["on duty", "off duty"]


class Pair:
    """Two workers with one slot each. The elder keeps the house: it did when the younger came."""

    def __init__(self, system: PgQueue, stamps: Stamps, stack: ExitStack) -> None:
        self._system = system
        self._stamps = stamps
        self._stack = stack
        self._number = 0
        self._elder = self._start()
        self._younger = self._start()

    def kill_one(self, victim: Victim) -> float:
        """Kill the one or the other while it runs a job; seconds until that job starts again."""
        killed = self._elder if victim == "on duty" else self._younger
        number = self._occupy(killed)
        time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))
        at_ns = time.monotonic_ns()
        killed.kill()
        again = self._stamps.next_start(START_SECONDS)
        if (again.number, again.attempt) != (number, 2):
            raise BenchmarkFailed(f"job {number} was to start again, not {again}")
        self._elder = self._younger if killed is self._elder else self._elder
        self._elder.await_that(self._system.is_drained)
        self._younger = self._start()
        return (again.at_ns - at_ns) / 1e9

    def _start(self) -> WorkerProcess:
        worker = self._stack.enter_context(WorkerProcess(self._system.dsn, self._stamps.path, concurrency=1))
        worker.await_joined()
        return worker

    def _occupy(self, wanted: WorkerProcess) -> int:
        """Have this one run a job, and the other none. Returns the job's number."""
        number, release = self._send()
        if self._stamps.next_start(START_SECONDS).pid == wanted.pid:
            return number
        # The other has taken it. Its slot is full now, so that the next one is ours.
        mine, _ = self._send()
        start = self._stamps.next_start(START_SECONDS)
        if start.pid != wanted.pid:
            raise BenchmarkFailed(f"the worker with its only slot taken started another job: {start}")
        before = self._system.ended()
        release.touch()
        wanted.await_that(lambda: self._system.ended() > before)
        return mine

    def _send(self) -> tuple[int, Path]:
        self._number += 1
        release = self._stamps.folder / f"release-{self._number}"
        self._system.enqueue_hold(self._number, release)
        return self._number, release


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Median and worst, over all kills and by who was killed; a round is a kill."""
    tables = [contestant for contestant in contestants if contestant.system == PgQueue.name]
    streams = [contestant for contestant in contestants if contestant.system == RedisStreams.name]
    kills, stream_kills = plan.scaled(KILLS), plan.scaled(STREAM_KILLS)
    progress.begin(SCENARIO, kills * len(tables) + stream_kills * len(streams))
    rows = _table_rows(tables, kills, plan, progress) if tables else []
    for contestant in streams:
        values = restart_seconds(contestant, stream_kills, plan.given, progress)
        rows += _rows(contestant, values, {"killed": ANY, "min_idle_ms": MIN_IDLE_MILLISECONDS})
    return rows


def _table_rows(contestants: Sequence[Contestant], kills: int, plan: Plan, progress: Progress) -> list[Row]:
    rows: list[Row] = []
    with postgres_host(given=plan.given) as host:
        for contestant in contestants:
            with host.database(contestant) as dsn:
                seconds = measure(PgQueue(dsn, contestant.durability), kills, progress)
            rows += _rows_of(contestant, seconds)
    return rows


def measure(system: PgQueue, kills: int, progress: Progress) -> dict[Victim, list[float]]:
    """That many kills, in turns of the worker on duty and of the other."""
    victims: tuple[Victim, Victim] = ("on duty", "off duty")
    seconds: dict[Victim, list[float]] = {victim: [] for victim in victims}
    with ExitStack() as stack:
        stack.callback(system.close)
        pair = Pair(system, stack.enter_context(Stamps()), stack)
        for number in range(kills):
            victim = victims[number % len(victims)]
            seconds[victim].append(pair.kill_one(victim))
            progress.advance()
    return seconds


def _rows_of(contestant: Contestant, seconds: dict[Victim, list[float]]) -> list[Row]:
    everybody = [value for values in seconds.values() for value in values]
    killed = {victim: values for victim, values in seconds.items() if values}
    return [
        row
        for victim, values in [(ANY, everybody), *killed.items()]
        for row in _rows(contestant, values, {"killed": victim})
    ]


def _rows(contestant: Contestant, values: Sequence[float], settings: Settings) -> list[Row]:
    median, *_ = rows_of(
        [{"restart_p50_seconds": value} for value in values],
        scenario=SCENARIO,
        system=contestant.system,
        durability=contestant.durability,
        batch=1,
        settings=settings,
    )
    return [median, replace(median, metric="restart_worst_seconds", value=max(values), spread=0.0)]
