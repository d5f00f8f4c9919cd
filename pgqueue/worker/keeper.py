"""Keeps what a worker holds: extends leases, hands back what waits too long, cancels, sends progress.

It must never extend a claim whose jobs have all ended.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from pgqueue.calls.jobs import report_progress
from pgqueue.calls.lease import Extension, extend
from pgqueue.calls.watch import listen, unlisten
from pgqueue.failure import clean
from pgqueue.worker import verdict
from pgqueue.worker.book import Book
from pgqueue.worker.counts import Counts
from pgqueue.worker.line import Line
from pgqueue.worker.pace import Pace
from pgqueue.worker.pump import Pump
from pgqueue.worker.running_job import RunningJob

logger = logging.getLogger("pgqueue.worker")

TICK_SECONDS = 1.0
LISTEN_AFTER_TICKS = 2  # with jobs held
UNLISTEN_AFTER_TICKS = 5  # with none
NOTE_LIMIT = 1000  # characters of a progress note that are kept
UNSTARTED_SECONDS = 1.0  # a job claimed but not started for so long is somebody else's to run


class Keeper:
    """The keeper of one worker's book.

    guard: where notifications reach us now, if anywhere.
    """

    def __init__(
        self,
        book: Book,
        line: Line,
        counts: Counts,
        *,
        guard: Callable[[], Line | None],
        pump: Pump,
        pace: Pace,
        lease: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._line = line
        self._counts = counts
        self._pump = pump
        self._pace = pace
        self._lease = lease
        self._clock = clock
        self._guard = guard
        self._listens = False
        self._held_ticks = 0  # in a row: with something held, or below zero with nothing

    @property
    def tick_seconds(self) -> float:
        """How often to look."""
        return min(TICK_SECONDS, self._lease.total_seconds() / 6)

    async def tick(self) -> None:
        """Look once. Raises LineBroken."""
        self._hand_back_unstarted()
        await self._extend()
        await self._send_progress()

    async def listen(self) -> None:
        """Listen only while at work for longer than a moment. Raises LineBroken.

        A duty by itself: a guard that has gone silent must not keep leases from being extended.
        Every NOTIFY wakes the server's process of every session that listens: a fleet
        asleep must not, and quick jobs are not worth the turning on and off.
        """
        if self._book.claims:
            self._held_ticks = max(self._held_ticks, 0) + 1
        else:
            self._held_ticks = min(self._held_ticks, 0) - 1
        guard = self._guard()
        if guard is None or not guard.is_connected:
            return
        if not self._listens and self._held_ticks >= LISTEN_AFTER_TICKS:
            await self._begin_to_listen(guard)
        elif self._listens and self._held_ticks <= -UNLISTEN_AFTER_TICKS:
            self._listens = False
            await guard.run(unlisten())

    def forget(self) -> None:
        """The session is gone, and with it what it listened to."""
        self._listens = False

    def cancel(self, job_id: int) -> None:
        """Somebody asked that a job be run no more."""
        for delivery in self._book.recall(job_id):
            ending = verdict.cancelled(delivery, "it was cancelled before it ran")
            self._counts.ended(delivery, ending)
            self._book.ended(delivery, ending)
        for job in [job for job in self._book.running if job.id == job_id and not job.is_cancelled]:
            job.is_cancelled = True
            job.stop_handler()

    async def _begin_to_listen(self, guard: Line) -> None:
        self._listens = True  # not after the answer: should the session be lost meanwhile, `forget` is right
        try:
            await guard.run(listen())
        except BaseException:
            self._listens = False
            raise
        self._book.doubt()  # what was cancelled before went unheard: ask for it once

    def _hand_back_unstarted(self) -> None:
        """Slow siblings keep these from starting: another worker may be free."""
        now = self._clock()
        if not self._book.waiting:
            return
        first = self._book.waiting[0]
        held = self._book.claims.get(first.claim)
        if held is not None and now - held.taken >= UNSTARTED_SECONDS:
            self._pump.stand_back()
            self._pace.stalled()

    async def _send_progress(self) -> None:
        speaking = [job for job in self._book.running if job.progress is not None]
        if not speaking:
            return
        reports, said = [], []
        for job in speaking:
            progress, job.progress = job.progress, None  # at once: a thread may report more meanwhile
            if progress is not None:
                fraction, note = progress
                reports.append((job.id, job.attempt, fraction, clean(note, NOTE_LIMIT) if note else None))
                said.append((job, progress))
        try:
            await self._line.run(report_progress(reports))
        except BaseException:
            for job, progress in said:
                job.progress = job.progress or progress
            raise

    async def _extend(self) -> None:
        now = self._clock()
        due = [
            claim
            for claim, held in self._book.claims.items()
            if held.left and now - held.renewed >= self._lease.total_seconds() / 3
        ]
        if not due:
            return
        (extended,) = await self._line.run(extend(due, self._lease))
        for claim in due:
            self._renewed(claim, extended.get(claim), now)

    def _renewed(self, claim: int, extension: Extension | None, now: float) -> None:
        held = self._book.claims.get(claim)
        if held is None:
            return  # it ended while we asked
        if extension is None:
            self._lost(self._book.lose(claim), claim, held.left)
            return
        held.renewed = now
        for job_id in extension.cancelled:
            self.cancel(job_id)

    def _lost(self, running: list[RunningJob], claim: int, left: int) -> None:
        self._counts.lost += left
        logger.warning("the lease of claim %s was lost with %s jobs unfinished: others run them", claim, left)
        for job in running:
            job.is_lease_lost = True
            job.stop_handler()
