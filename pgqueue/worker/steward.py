"""The house, kept by one worker at a time: expired claims, dead workers' claims, partitions.

It must never take a living worker's jobs: a worker whose session is gone gets
time to come back, and a restart of the server is nobody's death.
"""

import logging
import time
from collections.abc import Callable

from pgqueue.calls.lease import reap
from pgqueue.calls.workers import Absence, absent_workers, strike_workers, take_duty
from pgqueue.maintenance import maintenance
from pgqueue.worker.connections import Connections
from pgqueue.worker.lookback import MOST_CLAIMS, Lookback

logger = logging.getLogger("pgqueue.worker")

ON_DUTY_SECONDS = 1.0
OFF_DUTY_SECONDS = 2.0
RECONNECT_SECONDS = 2.5  # how long a session may be gone before its worker counts as dead
RESTART_SECONDS = 30.0  # the same for a worker that has not come back since the server started
MAINTENANCE_SECONDS = 60.0


class Steward:
    """One worker's part in keeping the house.

    joined: called when an older session of ours has gone at last: what it claimed in the end, we do not know.
    took_back: called when jobs were taken back: the bell may be our own, and nobody rings it for himself.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        joined: Callable[[], None],
        took_back: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connections = connections
        self._joined = joined
        self._took_back = took_back
        self._clock = clock
        self._lookback = Lookback(clock=clock)
        self._is_on_duty = False
        self._missing: dict[int, float] = {}
        self._maintain_at = 0.0

    @property
    def pause_seconds(self) -> float:
        """How long until the next round."""
        is_busy = self._is_on_duty or not self._connections.is_joined
        return ON_DUTY_SECONDS if is_busy else OFF_DUTY_SECONDS

    def forget(self) -> None:
        """The session is gone, and with it the duty."""
        self._is_on_duty = False
        self._missing.clear()

    async def tick(self) -> None:
        """One round. Raises LineBroken."""
        guard = self._connections.guard
        if guard is None:
            await self._reap([])
            await self._maintain()
            return
        if not self._connections.is_joined:
            await self._join()
        if not self._is_on_duty:
            (self._is_on_duty,) = await guard.run(take_duty())
        if self._is_on_duty:
            await self._take_back()
            await self._maintain()

    async def _join(self) -> None:
        """Else nobody would see us live once the older session of ours is gone."""
        await self._connections.join()
        if self._connections.is_joined:
            self._joined()

    async def _take_back(self) -> None:
        line = self._connections.line
        (absences,) = await line.run(absent_workers(self._connections.worker))
        dead = self._dead(absences)
        if not await self._reap(dead) and dead:
            await line.run(strike_workers(dead))

    async def _reap(self, dead: list[int]) -> int:
        """Take back what has expired and what these held. Returns how many jobs."""
        reach = self._lookback.begin()
        (jobs,) = await self._connections.line.run(reap(reach=reach, dead=dead, max_claims=MOST_CLAIMS))
        self._lookback.end(jobs=jobs)
        if jobs:
            logger.warning("took back %s jobs of workers that stopped answering", jobs)
            self._took_back()
        return int(jobs)

    def _dead(self, absences: list[Absence]) -> list[int]:
        """Those that have been missing for long enough."""
        now = self._clock()
        self._missing = {absence.worker: self._missing.get(absence.worker, now) for absence in absences}
        return [
            absence.worker
            for absence in absences
            if now - self._missing[absence.worker] >= patience_seconds(absence)
        ]

    async def _maintain(self) -> None:
        """Once a minute: partitions made ahead, and dropped when past."""
        if self._clock() < self._maintain_at:
            return
        self._maintain_at = self._clock() + MAINTENANCE_SECONDS
        script = maintenance()
        answer = None
        while True:
            try:
                call = script.send(answer)
            except StopIteration:
                return
            (answer,) = await self._connections.line.run(call)


def patience_seconds(absence: Absence) -> float:
    """How long this worker may be missing before it counts as dead."""
    return RECONNECT_SECONDS if absence.met_server else RESTART_SECONDS
