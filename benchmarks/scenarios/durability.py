"""Kills the server under load, starts it again, and counts the acknowledged jobs that are gone.

pgqueue at fsync must never lose one: it fails the run. This is no power cut: what the kernel has, it keeps.
"""

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

from benchmarks.contestants import Contestant
from benchmarks.crew import FORKED, Crew
from benchmarks.failures import BenchmarkFailed
from benchmarks.plan import Plan
from benchmarks.rounds import Progress
from benchmarks.rows import Row, rows_of
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.victims import MOST, Victim, enqueue_until_broken, open_victim

SCENARIO = "durability"
KILLS = 6
PRODUCERS = 4
SHORTEST_LOAD_SECONDS, LONGEST_LOAD_SECONDS = 0.2, 0.6
"""Before a kill, at random."""


class Strike(NamedTuple):
    """One kill: jobs acknowledged before it, all those gone after it, and how long the restart took."""

    acknowledged: int
    lost: int
    restart_seconds: float


class Watch:
    """Knows which jobs of a victim should be there."""

    def __init__(self, victim: Victim) -> None:
        self.victim = victim
        self._standing: set[int] = set()
        self._firsts = itertools.count(MOST, MOST)

    def strike(self) -> Strike:
        """Load it, kill it, start it again, and look what is gone."""
        acknowledged = self._load_and_kill()
        self._standing |= acknowledged
        began = time.monotonic()
        self.victim.restart()
        took = time.monotonic() - began
        lost = self._standing - self.victim.numbers()
        self._standing -= lost
        return Strike(len(acknowledged), len(lost), took)

    def _load_and_kill(self) -> set[int]:
        victim = self.victim
        counts = {next(self._firsts): FORKED.Value("q", 0, lock=False) for _ in range(PRODUCERS)}
        with Crew(FORKED) as crew:
            hands = [
                crew.start(enqueue_until_broken, victim.contestant, victim.where, first, count)
                for first, count in counts.items()
            ]
            crew.await_that(lambda: all(count.value for count in counts.values()))
            time.sleep(random.uniform(SHORTEST_LOAD_SECONDS, LONGEST_LOAD_SECONDS))
            crew.check_alive()
            victim.kill()
            for hand in hands:  # nobody may find the server that is started next
                hand.answer()
        return {number for first, count in counts.items() for number in range(first, first + count.value)}


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """What each kill cost, in turns of all systems."""
    kills = plan.scaled(KILLS)
    progress.begin(SCENARIO, kills * len(contestants))
    strikes: dict[Contestant, list[Strike]] = {contestant: [] for contestant in contestants}
    with _watched(contestants) as watches:
        for _ in range(kills):
            for watch in watches:
                strikes[watch.victim.contestant].append(watch.strike())
                progress.advance()
    return [row for contestant, struck in strikes.items() for row in rows_of_strikes(contestant, struck)]


@contextmanager
def _watched(contestants: Sequence[Contestant]) -> Iterator[list[Watch]]:
    with ExitStack() as stack:
        yield [Watch(stack.enter_context(open_victim(contestant))) for contestant in contestants]


def rows_of_strikes(contestant: Contestant, strikes: Sequence[Strike]) -> list[Row]:
    """Sums over all kills, the worst of them, and the median restart. Raises BenchmarkFailed."""
    lost = sum(strike.lost for strike in strikes)
    if lost and contestant == Contestant(PgQueue.name, "fsync"):
        raise BenchmarkFailed(f"{contestant.label} lost {lost} acknowledged jobs in {len(strikes)} kills")
    sums = {
        "acknowledged_jobs": sum(strike.acknowledged for strike in strikes),
        "lost_jobs": lost,
        "lost_jobs_worst_kill": max(strike.lost for strike in strikes),
        "kills_with_loss": sum(strike.lost > 0 for strike in strikes),
    }
    make = partial(
        rows_of,
        scenario=SCENARIO,
        system=contestant.system,
        durability=contestant.durability,
        batch=1,
        settings={"kills": len(strikes), "producers": PRODUCERS},
    )
    return make([sums]) + make([{"restart_seconds": strike.restart_seconds} for strike in strikes])
