"""How far back the reaper looks for claims that have expired.

Under a long transaction every claim that ever ended in a window stays in the index, dead, where an
expired one would be. It must never take for granted that nothing is left further back: a claim can be
committed late, or be given back by a transaction that was to complete its job and failed.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from pgqueue.sweeps import EVERYTHING, Levels, Sweeps

MARGIN_SECONDS = 10.0  # beyond the last look that left nothing: calls wait for each other
MOST_CLAIMS = 100  # that one look takes back
LEVELS: Levels = ((10, 100), (100, 1000), (1000, EVERYTHING))


class Lookback:
    """What one reaper remembers of its looks."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sweeps = Sweeps(LEVELS, clock=clock)
        self._clean_at: float | None = None
        self._sweep_seconds = 0.0
        self._began_at = 0.0

    def begin(self) -> timedelta | None:
        """A look begins: how far back it reaches; None is everything."""
        self._began_at = self._clock()
        self._sweep_seconds = EVERYTHING if self._clean_at is None else self._sweeps.due()
        if self._sweep_seconds == EVERYTHING or self._clean_at is None:
            return None
        nearby = self._began_at - self._clean_at + MARGIN_SECONDS
        return timedelta(seconds=max(nearby, self._sweep_seconds))

    def end(self, *, jobs: int) -> None:
        """It is over. One that took back all it may has left some: the next reaches as far."""
        if jobs >= MOST_CLAIMS:
            return
        self._clean_at = self._began_at
        if self._sweep_seconds:
            self._sweeps.made(self._sweep_seconds, took_seconds=self._clock() - self._began_at)
