"""The worker's heart: one round trip reports what ended and claims what is next.

It must never report an ending twice as new, nor drop one: what could not be told is told later.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import psycopg

from pgqueue.calls.call import Call
from pgqueue.calls.claim import claim
from pgqueue.calls.workers import disown
from pgqueue.delivery import Lease
from pgqueue.errors import PgQueueError
from pgqueue.floors import Floors, Look
from pgqueue.tracing import Tracing
from pgqueue.worker.apart import Apart
from pgqueue.worker.book import Book, Part
from pgqueue.worker.connections import Connections
from pgqueue.worker.counts import Counts
from pgqueue.worker.line import LineBroken, first_line
from pgqueue.worker.pace import Pace
from pgqueue.worker.refusal import Refusal, refusal_of
from pgqueue.worker.report import report_calls
from pgqueue.worker.rota import Rota
from pgqueue.worker.runner import Runner
from pgqueue.worker.sentry import NEVER, Request, Sentry
from pgqueue.worker.teller import Teller

logger = logging.getLogger("pgqueue.worker")

PARTIAL_LOOK_SECONDS = 0.05
REFUSED_SECONDS = (0.1, 10.0)  # after the server refused a round trip: first pause, longest


class Pump:
    """Moves jobs between the server and the book until told to stop.

    is_in_doubt: an answer may have been lost: claims we do not know of are to be handed back.
    rests: set while the last claim found nothing and nothing is held.
    """

    def __init__(
        self,
        *,
        book: Book,
        connections: Connections,
        counts: Counts,
        runner: Runner,
        sentry: Sentry,
        rota: Rota,
        pace: Pace,
        teller: Teller,
        lease: timedelta,
        largest_batch: int,
        tracing: Tracing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._counts = counts
        self._line = connections.line
        self._connections = connections
        self._runner = runner
        self._sentry = sentry
        self._rota = rota
        self._pace = pace
        self._teller = teller
        self._lease = lease
        self._largest_batch = largest_batch
        self._tracing = tracing
        self._clock = clock
        self._floors = Floors(rota.queues, clock=clock)
        self._apart = Apart(book, clock=clock)
        self._changed = asyncio.Event()
        self._refusals = 0  # in a row
        self._found_nothing = False
        self._is_paused = False
        self.is_stopping = False
        self.is_in_doubt = False
        self.rests = asyncio.Event()

    def wake(self) -> None:
        """Something changed: look again."""
        self._changed.set()

    def look(self) -> None:
        """Something was missed, perhaps: claim now, and look below the floors."""
        self._sentry.look()
        self.wake()

    def pause(self, is_paused: bool) -> None:  # noqa: FBT001 - what the server answers
        """Take no new jobs and hand back those not started, or take them again."""
        if is_paused == self._is_paused:
            return
        self._is_paused = self._connections.is_paused = is_paused
        logger.info("this worker is %s", "paused: it takes no new jobs" if is_paused else "resumed")
        if is_paused:
            self.stand_back()
            self.wake()
        else:
            self.look()

    async def run(self) -> None:
        """Pump until stopped and everything is told. Raises LineBroken; call again once connected."""
        self._floors.forget()
        while not (self.is_stopping and not self._book.claims):
            self._changed.clear()
            if self.is_in_doubt:
                await self._disown()
            parts = self._book.report(everything=self.is_stopping)
            if any(part.held.is_apart for part in parts):
                self._sentry.claim_at = 0.0  # the next one may be waiting for this one's end
            now = self._clock()  # read once: what is too early to claim must be something to wait for
            wanted = self._wanted(now)
            wants_place = not (self.is_stopping or self._is_paused) and now >= self._sentry.try_at
            requests = self._sentry.requests(wants_jobs=bool(wanted), wants_place=wants_place)
            if parts or wanted or requests:
                await self._exchange(parts, requests, wanted)
                await asyncio.sleep(0)  # what was just claimed starts before we think of the next exchange
            else:
                await self._pause(now)

    def stand_back(self) -> None:
        """Hand back every job not started, and leave it to others to hear of work: we take none.

        On watch we would keep both from them: for what its own session puts back, no bell rings.
        """
        self._sentry.step_aside()
        self.put_down()

    def put_down(self) -> None:
        """Hand back every job not started."""
        for delivery in self._book.put_down():
            self._teller.hand_back(delivery)

    def _wanted(self, now: float) -> int:
        """How many jobs to claim now."""
        if self.is_stopping or self._is_paused or now < self._sentry.claim_at:
            return 0
        allowed = self._pace.wanted(self._book.held + self._runner.strays)
        return min(allowed, self._largest_batch)

    async def _pause(self, now: float) -> None:
        """Wait for a change, but no longer than until the next look or the next partial report."""
        if not self._line.is_connected:
            raise LineBroken("not connected")
        if self._found_nothing and not self._book.claims:
            self.rests.set()
        waits = [PARTIAL_LOOK_SECONDS] if self._book.has_endings else []
        if not (self.is_stopping or self._is_paused):
            looks = (self._sentry.claim_at, self._sentry.try_at)
            waits.extend(look - now for look in looks if now < look < NEVER)
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _exchange(self, parts: list[Part], requests: Sequence[Request], wanted: int) -> None:
        """One round trip."""
        try:
            await self._ask(parts, requests, wanted)
        except LineBroken:
            self._book.restore(parts)
            raise
        except (psycopg.Error, PgQueueError) as error:
            await self._refused(parts, error, requests)
        else:
            self._refusals = 0

    async def _ask(self, parts: list[Part], requests: Sequence[Request], wanted: int) -> None:
        reports = report_calls(parts)
        queues = self._rota.order()
        look = self._floors.look(queues, is_unsure=self._sentry.is_unsure) if wanted else None
        wants_apart = self._apart.wanted()
        claims = [self._claim(queues, look, wanted, wants_apart=wants_apart)] if look else []
        here = () if await self._ask_apart(requests) else requests
        answers = await self._line.run(*reports, *(call for call, _ in here), *claims)
        self._teller.told(parts, answers[: len(reports)])
        for (_, take), answer in zip(here, answers[len(reports) : len(answers) - len(claims)], strict=True):
            take(answer)
        if look:
            self._apart.claimed(answers[-1], wanted=wants_apart)
            self._claimed(look, answers[-1])

    async def _ask_apart(self, requests: Sequence[Request]) -> bool:
        """Whether these were asked where locks live: on a connection of their own."""
        guard = self._connections.guard
        if guard is None or guard is self._line or not requests or not self._sentry.has_guard:
            return False
        try:
            # Should it have broken just now, LineBroken: a lock taken on the line would be a stranger's.
            answers = await guard.run(*(call for call, _ in requests))
        except (psycopg.Error, PgQueueError):
            await guard.drop()  # a lock outlives the transaction that took it: which it holds, nobody knows
            raise
        for (_, take), answer in zip(requests, answers, strict=True):
            take(answer)  # now: whatever becomes of the claim, these locks are ours
        return True

    def _claim(
        self, queues: Sequence[str], look: Look, wanted: int, *, wants_apart: bool | None
    ) -> Call[Lease]:
        if look.is_marked:
            self._sentry.is_unsure = False
        return claim(
            queues,
            max_jobs=wanted,
            lease=self._lease,
            worker=self._connections.worker or None,
            floors=look.floors,
            marked=look.is_marked,
            apart=wants_apart,
        )

    def _claimed(self, look: Look, lease: Lease) -> None:
        self._floors.learn(look, lease)
        self._counts.claimed(lease)
        self._found_nothing = lease.claim is None
        if lease.is_apart or (look.is_marked and lease.sight.transaction is None):
            self._sentry.is_unsure = True  # it looked nowhere else, or passed by what is locked
        if lease.claim is None:
            self._sentry.found_nothing()
            return
        self.rests.clear()
        self._book.take(lease)
        self._runner.start_waiting()
        self._sentry.found_work(is_full=self._is_paused or self._runner.free <= 0)
        if self._tracing is not None:  # last: whatever a tracer raises, the jobs are known
            self._tracing.claimed(lease, took_seconds=self._clock() - look.began_at)

    async def _refused(
        self, parts: list[Part], error: psycopg.Error | PgQueueError, requests: Sequence[Request] = ()
    ) -> None:
        """The server refused the round trip: one ending is at fault, or all of it has to wait."""
        self._sentry.is_unsure = True  # the claim did not look
        kind = refusal_of(error)
        if parts and kind is not Refusal.THEIRS:
            logger.warning("the server refused a report, telling it job by job: %s", first_line(error))
            await self._teller.tell_one_by_one(parts)
            if not requests or self._connections.guard is not self._line:
                return
            # A lock outlives the transaction that took it: which we hold now, nobody knows.
            await self._line.drop()
            raise LineBroken(first_line(error)) from error
        self._book.restore(parts)
        pause = min(REFUSED_SECONDS[0] * 2 ** min(self._refusals, 16), REFUSED_SECONDS[1])
        self._refusals += 1
        logger.error("the server refused us, again in %.1f s: %s", pause, first_line(error))
        await asyncio.sleep(pause)
        # Anew, in case the session is at fault; the greeting tells if another version is installed.
        await self._line.drop()
        raise LineBroken(first_line(error)) from error

    async def _disown(self) -> None:
        """Hand back the claims whose answer we never got. Here nothing is under way: all others are known."""
        try:
            (jobs,) = await self._line.run(disown(self._connections.worker, list(self._book.claims)))
        except (psycopg.Error, PgQueueError) as error:
            await self._refused([], error)
        else:
            self.is_in_doubt = False
            if jobs:
                self._sentry.look()
                logger.info("handed back %s jobs claimed just before the connection broke", jobs)
