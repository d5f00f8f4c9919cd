"""How many jobs to hold: many quick ones, few slow ones, never more than is soon run.

Pure arithmetic over measured run times; it claims nothing itself.
"""

from datetime import timedelta

WEIGHT = 0.3  # of the newest measurement in the running mean


class Pace:
    """The measured pace of the handlers, and what it allows to hold.

    concurrency: handlers at once. ahead: how much work may lie unstarted.
    largest: the most jobs to hold beyond those running.
    """

    def __init__(self, *, concurrency: int, ahead: timedelta, largest: int) -> None:
        self._concurrency = concurrency
        self._ahead_seconds = ahead.total_seconds()
        self._largest = largest
        self._mean_seconds: float | None = None

    def measured(self, jobs: int, seconds: float) -> None:
        """These jobs took so long, all run times added up."""
        mean = seconds / jobs
        old = self._mean_seconds
        self._mean_seconds = mean if old is None else old + WEIGHT * (mean - old)

    def stalled(self) -> None:
        """Jobs lay unstarted for too long: they are slow, though none of them has ended to tell us."""
        self._mean_seconds = max(self._mean_seconds or 0.0, self._ahead_seconds)

    def to_hold(self) -> int:
        """How many jobs to hold at most, running ones included."""
        if self._mean_seconds is None or self._mean_seconds >= self._ahead_seconds:
            return self._concurrency
        startable = self._concurrency * self._ahead_seconds / max(self._mean_seconds, 1e-6)
        return self._concurrency + min(int(startable), self._largest)

    def wanted(self, held: int) -> int:
        """How many jobs to claim now, holding so many: none until half is done, while all are busy."""
        target = self.to_hold()
        if held >= self._concurrency and held > target // 2:
            return 0
        return max(target - held, 0)
