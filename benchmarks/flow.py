"""What the processes of one measurement share: when it began, how far it is; it must never block them."""

import time
from collections.abc import Sequence

from benchmarks.crew import SPAWN

SLICES = 30
WARM_UP_SLICES = 3
"""Of each measurement the first tenth is not counted: connecting, planning, first pages."""
PATIENCE_SECONDS = 60.0


class Flow:
    """Counters written by one process each and read by all."""

    def __init__(self, parties: int) -> None:
        self.enqueued = SPAWN.Value("q", 0, lock=False)
        self.finished = SPAWN.Value("q", 0, lock=False)
        self._start = SPAWN.Barrier(parties)

    def begin(self) -> float:
        """Wait until everybody is connected; the moment, by the clock all processes share."""
        self._start.wait(PATIENCE_SECONDS)
        return time.monotonic()

    @property
    def ahead(self) -> int:
        """Jobs enqueued and not finished."""
        return int(self.enqueued.value - self.finished.value)


class Timeline:
    """How many jobs ended in which part of a measurement."""

    def __init__(self, began: float, seconds: float) -> None:
        self.ends = began + seconds
        self._began = began
        self._slice_seconds = seconds / SLICES
        self.counts = [0] * SLICES

    def add(self, count: int, at: float) -> None:
        """So many ended at that moment; what ends too late is not counted."""
        place = int((at - self._began) / self._slice_seconds)
        if place < SLICES:
            self.counts[place] += count

    def is_warm(self, at: float) -> bool:
        """Whether that moment counts."""
        return at - self._began >= WARM_UP_SLICES * self._slice_seconds


def per_second(counts: Sequence[int], seconds: float) -> float:
    """The rate over a measurement without its warm-up."""
    counted = counts[WARM_UP_SLICES:]
    return sum(counted) / (seconds * len(counted) / len(counts))


def last_over_first(counts: Sequence[int]) -> float:
    """The rate in the last third over that in the first, without the warm-up: below 1 it declines."""
    counted = counts[WARM_UP_SLICES:]
    third = len(counted) // 3
    first = sum(counted[:third])
    return sum(counted[-third:]) / first if first else 0.0
