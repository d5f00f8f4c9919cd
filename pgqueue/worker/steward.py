"""Gives back what dead workers held, and what has expired; one worker of the fleet does it at a time.

It must never take a living worker's jobs: a worker whose session is gone gets
time to come back, and a restart of the server is nobody's death.
"""

import logging
import time
from collections.abc import Callable

from pgqueue.calls.duty import beat_duty, duty_beats, end_duty, take_duty
from pgqueue.calls.lease import reap
from pgqueue.calls.workers import absent_workers, is_paused, strike_workers
from pgqueue.worker.absences import Absences
from pgqueue.worker.connections import Connections
from pgqueue.worker.duty import Duty
from pgqueue.worker.line import Line
from pgqueue.worker.lookback import MOST_CLAIMS, Lookback

logger = logging.getLogger("pgqueue.worker")

JOIN_SECONDS = 1.0  # between two tries to be seen alive, while an older session of ours lingers


class Steward:
    """One worker's part in it.

    joined: called when an older session of ours has gone at last: what it claimed in the end, we do not know.
    took_back: called when jobs were taken back: the bell may be our own, and nobody rings it for himself.
    paused: told with each tick whether we are to take no new jobs.
    keeps_house: whether it is our turn.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        joined: Callable[[], None],
        took_back: Callable[[], None],
        paused: Callable[[bool], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keeps_house = False
        self._connections = connections
        self._joined = joined
        self._took_back = took_back
        self._paused = paused
        self._duty = Duty(clock=clock)
        self._absences = Absences(clock=clock)
        self._lookback = Lookback(clock=clock)
        self._is_more = False  # the last round took as much as one may

    @property
    def pause_seconds(self) -> float:
        """How long until the next tick: sooner where a missing worker's time is up before."""
        if self._is_more:
            return 0.0
        if self._connections.guard is None:
            return self._duty.unguarded_pause_seconds
        pause = min(self._duty.pause_seconds, self._absences.next_seconds)
        return pause if self._connections.is_joined else min(pause, JOIN_SECONDS)

    def forget(self) -> None:
        """The session is gone, and with it the duty."""
        self._duty.forget()
        self._stand_down()

    async def tick(self) -> None:
        """Ask whose turn it is, and do a round if it is ours. Raises LineBroken."""
        self._is_more = False
        guard = self._connections.guard
        if guard is None:
            self._paused(False)  # noqa: FBT003 - it has no row any more by which it could be resumed
            is_ours = await self._is_needed()
        else:
            if not self._connections.is_joined:
                await self._join()
            is_ours = await self._is_on_duty(guard)
        if not is_ours:
            self._stand_down()
            return
        self.keeps_house = True
        await self._round()

    def _stand_down(self) -> None:
        self.keeps_house = False
        self._is_more = False
        self._absences.forget()

    async def _join(self) -> None:
        """Else nobody would see us live once the older session of ours is gone."""
        await self._connections.join()
        if self._connections.is_joined:
            self._joined()

    async def _is_on_duty(self, guard: Line) -> bool:
        """Try for the duty. Where its holder is silent its term is ended, and we try for the next."""
        duty = self._duty
        await self._try_for_duty(guard)
        if duty.is_silent and duty.term is not None:
            (ended,) = await guard.run(end_duty(duty.term))
            if ended:
                logger.warning("the worker on duty has been silent for too long: another takes its place")
            await self._try_for_duty(guard)
        return duty.is_ours

    async def _try_for_duty(self, guard: Line) -> None:
        standing, is_to_pause = await guard.run(
            take_duty(self._duty.held, self._duty.deputised), is_paused(self._connections.worker)
        )
        self._duty.stands(standing)
        self._paused(is_to_pause)

    async def _is_needed(self) -> bool:
        """For one who cannot hold locks: whether nobody has done the duty since we last looked."""
        (beats,) = await self._connections.line.run(duty_beats())
        return not self._duty.heard(beats)

    async def _round(self) -> None:
        """Take back what has expired and what the dead held; strike them off once they hold nothing."""
        line = self._connections.line
        (absences,) = await line.run(absent_workers(self._connections.worker))
        dead = self._absences.seen(absences)
        reach = self._lookback.begin()
        jobs, beats = await line.run(reap(reach=reach, dead=dead, max_claims=MOST_CLAIMS), beat_duty())
        self._lookback.end(jobs=jobs)
        self._duty.heard(beats)
        if jobs:
            logger.warning("took back %s jobs of workers that stopped answering", jobs)
            self._is_more = True
            self._took_back()
        elif dead:
            await line.run(strike_workers(dead))
