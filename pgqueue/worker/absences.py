"""Which workers have been missing for long enough to count as dead.

It must never count time during which nobody looked, nor a restart of the server, as a worker's absence.
"""

import time
from collections.abc import Callable, Sequence

from pgqueue.calls.workers import Absence

RECONNECT_SECONDS = 2.5  # how long a session may be gone before its worker counts as dead
RESTART_SECONDS = 30.0  # the same for a worker that has not come back since the server started
SOONEST_SECONDS = 0.05  # who is due is seen by the next look, which may fail and be repeated
GAP_SECONDS = 5.0  # longer than this without a look, and a missing one may have been here meanwhile


class Absences:
    """Who is missing, and since when, by the looks of one worker."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._missing: dict[int, float] = {}
        self._due_at: float | None = None
        self._looked_at = -float("inf")

    def forget(self) -> None:
        """We look no longer: what was seen is no longer worth anything."""
        self._missing.clear()
        self._due_at = None

    def seen(self, absences: Sequence[Absence]) -> list[int]:
        """These are missing now. Returns those who have been for long enough."""
        now = self._clock()
        if now - self._looked_at > GAP_SECONDS:
            self._missing.clear()
        self._looked_at = now
        self._missing = {absence.worker: self._missing.get(absence.worker, now) for absence in absences}
        due = {
            absence.worker: self._missing[absence.worker] + patience_seconds(absence) for absence in absences
        }
        self._due_at = min((moment for moment in due.values() if moment > now), default=None)
        return [worker for worker, moment in due.items() if moment <= now]

    @property
    def next_seconds(self) -> float:
        """How long until the next of them counts as dead; infinity if none is missing."""
        return float("inf") if self._due_at is None else max(self._due_at - self._clock(), SOONEST_SECONDS)


def patience_seconds(absence: Absence) -> float:
    """How long this worker may be missing before it counts as dead."""
    return RECONNECT_SECONDS if absence.met_server else RESTART_SECONDS
