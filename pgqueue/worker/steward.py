"""The house, kept by one worker at a time: expired claims, dead workers' claims, partitions.

It must never take a living worker's jobs: a worker whose session is gone gets
time to come back, and a restart of the server is nobody's death.
"""

import logging
import time
from collections.abc import Callable

from pgqueue.calls.lease import reap
from pgqueue.calls.workers import Absence, absent_workers, make_partitions, strike_workers, take_duty
from pgqueue.worker.connections import Connections

logger = logging.getLogger("pgqueue.worker")

ON_DUTY_SECONDS = 1.0
OFF_DUTY_SECONDS = 3.0
RECONNECT_SECONDS = 2.5  # how long a session may be gone before its worker counts as dead
RESTART_SECONDS = 30.0  # the same for a worker that has not come back since the server started
PARTITIONS_SECONDS = 60.0


class Steward:
    """One worker's part in keeping the house."""

    def __init__(self, connections: Connections, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connections = connections
        self._clock = clock
        self._is_on_duty = False
        self._missing: dict[int, float] = {}
        self._partitions_at = 0.0

    @property
    def pause_seconds(self) -> float:
        """How long until the next round."""
        return ON_DUTY_SECONDS if self._is_on_duty else OFF_DUTY_SECONDS

    def forget(self) -> None:
        """The session is gone, and with it the duty."""
        self._is_on_duty = False
        self._missing.clear()

    async def tick(self) -> None:
        """One round. Raises LineBroken."""
        guard = self._connections.guard
        if guard is None:
            await self._connections.line.run(reap())
            await self._make_partitions()
            return
        if not self._is_on_duty:
            (self._is_on_duty,) = await guard.run(take_duty())
        if self._is_on_duty:
            await self._take_back()
            await self._make_partitions()

    async def _take_back(self) -> None:
        line = self._connections.line
        (absences,) = await line.run(absent_workers(self._connections.worker))
        dead = self._dead(absences)
        (jobs,) = await line.run(reap(dead=dead))
        if jobs:
            logger.warning("took back %s jobs of workers that stopped answering", jobs)
        elif dead:
            await line.run(strike_workers(dead))

    def _dead(self, absences: list[Absence]) -> list[int]:
        """Those that have been missing for long enough."""
        now = self._clock()
        self._missing = {absence.worker: self._missing.get(absence.worker, now) for absence in absences}
        return [
            absence.worker
            for absence in absences
            if now - self._missing[absence.worker] >= patience_seconds(absence)
        ]

    async def _make_partitions(self) -> None:
        if self._clock() >= self._partitions_at:
            self._partitions_at = self._clock() + PARTITIONS_SECONDS
            await self._connections.line.run(make_partitions())


def patience_seconds(absence: Absence) -> float:
    """How long this worker may be missing before it counts as dead."""
    return RECONNECT_SECONDS if absence.met_server else RESTART_SECONDS
