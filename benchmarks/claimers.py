"""Many claimers at once, each a process of its own; none of them must stop while a job is left."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from benchmarks.crew import SPAWN
from benchmarks.failures import BenchmarkFailed
from benchmarks.systems.system import System

LOOK_SECONDS = 0.002
TELLING_SECONDS = 0.2
PATIENCE_SECONDS = 300.0


class Drained(NamedTuple):
    """What one claimer did: how many jobs, and when it finished the last, by the shared clock."""

    jobs: int
    ended: float


class Drain:
    """What the claimers share. One at a time they are told how to drain, through `orders`."""

    def __init__(self, claimers: int) -> None:
        self.left = SPAWN.Value("q", 0)
        self.orders = [SPAWN.Queue() for _ in range(claimers)]
        self.answers: Any = SPAWN.Queue()

    def run(self, claimers: int, jobs: int, batch: int) -> float:
        """Have so many of them drain so many jobs; seconds until the last was finished."""
        self.left.value = jobs
        start = time.monotonic() + TELLING_SECONDS  # all are told before the first begins
        for order in self.orders[:claimers]:
            order.put((start, batch))
        drained = [self.answers.get(timeout=PATIENCE_SECONDS) for _ in range(claimers)]
        return seconds_of(drained, start=start, jobs=jobs)


def seconds_of(drained: Sequence[Drained], *, start: float, jobs: int) -> float:
    """How long it took all of them together. Raises BenchmarkFailed unless they finished exactly so many."""
    finished = sum(one.jobs for one in drained)
    if finished != jobs:
        raise BenchmarkFailed(f"{len(drained)} claimers were to finish {jobs} jobs and finished {finished}")
    return max(one.ended for one in drained) - start


def claim_for_ever(connect: Callable[[], System], drain: Drain, number: int) -> None:
    """Drain whenever told to, as the client that `connect` gives in this process."""
    system = connect()
    system.consume(1)  # connects and plans before anybody measures
    drain.answers.put(Drained(0, 0.0))
    while True:
        start, batch = drain.orders[number].get()
        time.sleep(max(start - time.monotonic(), 0))
        jobs, ended = 0, start
        while drain.left.value > 0:
            taken = system.consume(batch)
            if not taken:  # the rest is in others' hands
                time.sleep(LOOK_SECONDS)
                continue
            jobs, ended = jobs + taken, time.monotonic()
            with drain.left.get_lock():
                drain.left.value -= taken
        drain.answers.put(Drained(jobs, ended))
