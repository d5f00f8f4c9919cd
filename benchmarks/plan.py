"""How much to measure; it must never differ between contestants."""

from dataclasses import dataclass

ROUNDS = 5
FEWEST_ROUNDS = 3
QUICK_DIVISOR = 10


@dataclass(frozen=True)
class Plan:
    """Rounds, and whether a run is a quick look (a tenth of the jobs) rather than a result."""

    rounds: int
    is_quick: bool

    def scaled(self, jobs: int) -> int:
        """That many jobs, or a tenth of them in a quick look."""
        return jobs // QUICK_DIVISOR if self.is_quick else jobs
