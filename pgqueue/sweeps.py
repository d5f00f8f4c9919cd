"""When to look again, and how far back, over what a quicker look passes by.

It must never take much of the time: under a long transaction a sweep walks all that is dead in its reach.
"""

import math
import time
from collections.abc import Callable

EVERYTHING = math.inf
SHARE = 100  # a sweep that is dear is made again after a hundred times as long as it took

Levels = tuple[tuple[float, float], ...]
"""How often to look how far back, in seconds: ever more seldom, and ever further."""


class Sweeps:
    """When the sweeps of each level are due."""

    def __init__(self, levels: Levels, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._levels = levels
        self._clock = clock
        self._made_at = [-math.inf] * len(levels)
        self._due_at = -math.inf  # the soonest of them: it is asked at every claim
        self._last_seconds = [0.0] * len(levels)
        self._took_seconds = [0.0] * len(
            levels
        )  # the shorter of the last two: one may only have been held up

    def due(self) -> float:
        """How far back to look now, in seconds; 0.0 while no sweep is due."""
        now = self._clock()
        if now < self._due_at:
            return 0.0
        reaches = [
            reach
            for (period, reach), made_at, took in zip(
                self._levels, self._made_at, self._took_seconds, strict=True
            )
            if now - made_at >= max(period, SHARE * took)
        ]
        return max(reaches, default=0.0)

    def may(self) -> bool:
        """Whether one more is not too dear, due or not."""
        now = self._clock()
        return all(
            now - made_at >= SHARE * took
            for made_at, took in zip(self._made_at, self._took_seconds, strict=True)
        )

    def made(self, reach: float, *, took_seconds: float) -> None:
        """A sweep was made: those that reach no further have been made with it."""
        now = self._clock()
        for number, (_, covered) in enumerate(self._levels):
            if covered <= reach:
                self._made_at[number] = now
            if covered == reach:
                self._took_seconds[number] = min(took_seconds, self._last_seconds[number])
                self._last_seconds[number] = took_seconds
        self._due_at = min(
            made_at + max(period, SHARE * took)
            for (period, _), made_at, took in zip(
                self._levels, self._made_at, self._took_seconds, strict=True
            )
        )
