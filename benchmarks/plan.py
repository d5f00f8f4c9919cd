"""How much to measure; it must never differ between contestants."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.given import OUR_OWN, Given

FEWEST_ROUNDS = 3
QUICK_DIVISOR = 10
FULL_SIZE = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many rounds, and how large.

    divisor: every size is divided by it: 1 is a result, 10 a quick look, more is for tests.
    seconds, minutes: how long to measure, where the scenario goes by time; None: as long as it usually does.
    is_full: also what takes hours or very much room.
    plot: where a plot goes, for the scenario that draws one.
    given: servers to measure on instead of our own.
    """

    rounds: int
    divisor: int = FULL_SIZE
    seconds: float | None = None
    minutes: float | None = None
    is_full: bool = False
    plot: Path | None = None
    given: Given = OUR_OWN

    def scaled(self, count: int, *, least: int = 1) -> int:
        """That many jobs, workers or turns, or the plan's part of them."""
        return max(count // self.divisor, least)

    def seconds_or(self, usual: float) -> float:
        """The seconds asked for, else the plan's part of those usual in the scenario."""
        return self.seconds if self.seconds is not None else usual / self.divisor

    def minutes_or(self, usual: float) -> float:
        """The minutes asked for, else the plan's part of those usual in the scenario."""
        return self.minutes if self.minutes is not None else usual / self.divisor
