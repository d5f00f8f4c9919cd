"""The worker's heart: one round trip reports what ended and claims what is next.

It must never report an ending twice as new, nor drop one: what could not be told is told later.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import psycopg

from pgqueue.calls.call import Call
from pgqueue.calls.claim import claim
from pgqueue.calls.finish import Ending, finish
from pgqueue.delivery import Lease
from pgqueue.failure import described
from pgqueue.worker import verdict
from pgqueue.worker.book import Book, Part
from pgqueue.worker.connections import Connections
from pgqueue.worker.counts import Counts
from pgqueue.worker.floors import Floors
from pgqueue.worker.line import LineBroken
from pgqueue.worker.pace import Pace
from pgqueue.worker.report import ending_of, report_calls, seconds_of
from pgqueue.worker.rota import Rota
from pgqueue.worker.runner import Runner
from pgqueue.worker.sentry import Request, Sentry

logger = logging.getLogger("pgqueue.worker")

PARTIAL_LOOK_SECONDS = 0.05


class Pump:
    """Moves jobs between the server and the book until told to stop."""

    def __init__(
        self,
        *,
        book: Book,
        connections: Connections,
        runner: Runner,
        sentry: Sentry,
        rota: Rota,
        pace: Pace,
        counts: Counts,
        lease: timedelta,
        largest_batch: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._line = connections.line
        self._connections = connections
        self._runner = runner
        self._sentry = sentry
        self._rota = rota
        self._pace = pace
        self._counts = counts
        self._lease = lease
        self._largest_batch = largest_batch
        self._clock = clock
        self._floors = Floors(rota.queues, clock=clock)
        self._changed = asyncio.Event()
        self.is_stopping = False
        self.found_nothing = asyncio.Event()

    def wake(self) -> None:
        """Something changed: look again."""
        self._changed.set()

    def look_everywhere(self) -> None:
        """Woken from sleep: claim without floors."""
        self._floors.forget()
        self.wake()

    async def run(self) -> None:
        """Pump until stopped and everything is told. Raises LineBroken; call again once connected."""
        while not (self.is_stopping and not self._book.claims):
            self._changed.clear()
            parts = self._book.report(everything=self.is_stopping)
            wanted = self._wanted()
            if parts or wanted:
                await self._exchange(parts, wanted)
            else:
                await self._pause()

    def put_down(self) -> None:
        """Hand back every job not started."""
        for delivery in self._book.put_down():
            self._counts.returned += 1
            self._book.ended(delivery, verdict.unspent(delivery))

    def _wanted(self) -> int:
        """How many jobs to claim now."""
        if self.is_stopping or self._clock() < self._sentry.claim_at:
            return 0
        allowed = self._pace.wanted(self._book.held + self._runner.strays)
        return min(allowed, self._largest_batch)

    async def _pause(self) -> None:
        """Wait for a change, but no longer than until the next claim or the next partial report."""
        now = self._clock()
        waits = [PARTIAL_LOOK_SECONDS] if self._book.has_endings else []
        if not self.is_stopping and self._sentry.claim_at > now:
            waits.append(self._sentry.claim_at - now)
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _exchange(self, parts: list[Part], wanted: int) -> None:
        """One round trip."""
        queues = self._rota.order()
        requests = self._sentry.requests() if wanted else []
        reports = report_calls(parts)
        claims = [self._claim(queues, wanted)] if wanted else []
        try:
            apart = await self._ask_apart(requests)
            asked = [] if apart is not None else [call for call, _ in requests]
            answers = await self._line.run(*reports, *asked, *claims)
        except LineBroken:
            self._book.restore(parts)
            raise
        except psycopg.Error as error:
            await self._told_one_by_one(parts, error)
            return
        self._told(parts, answers[: len(reports)])
        given = answers[len(reports) : len(answers) - len(claims)] if apart is None else apart
        for (_, take), answer in zip(requests, given, strict=True):
            take(answer)
        if claims:
            self._claimed(answers[-1], wanted)

    async def _ask_apart(self, requests: Sequence[Request]) -> list[Any] | None:
        """The requests' answers, where locks live on a connection of their own; else None."""
        guard = self._connections.guard
        if guard is None or guard is self._line or not requests:
            return None
        return await guard.run(*(call for call, _ in requests))

    def _claim(self, queues: Sequence[str], wanted: int) -> Call[Lease]:
        return claim(
            queues,
            max_jobs=wanted,
            lease=self._lease,
            worker=self._connections.worker or None,
            floors=self._floors.for_claim(queues),
        )

    def _claimed(self, lease: Lease, wanted: int) -> None:
        self._floors.learn(lease, asked=wanted)
        if lease.claim is None:
            self._sentry.found_nothing()
            self.found_nothing.set()
            return
        self._book.take(lease)
        self._runner.start_waiting()
        self._sentry.found_work(is_full=self._runner.free <= 0)

    def _told(self, parts: list[Part], answers: Sequence[Any]) -> None:
        """The server took the report; what it says was lost is counted."""
        jobs, seconds = seconds_of(parts)
        if jobs:
            self._pace.measured(jobs, seconds)
        plain = {part.claim: len(part.endings) for part in parts if part.is_plain}
        answers = list(answers)
        if plain:
            held = set(answers.pop(0))
            for claim_id, left in plain.items():
                if claim_id not in held:
                    self._lost(claim_id, left)
        for claim_id, _ in answers[0] if answers else ():
            self._lost(claim_id, 1)

    def _lost(self, claim_id: int, jobs: int) -> None:
        self._counts.lost += jobs
        logger.warning(
            "%s ended jobs of claim %s could not be finished: its lease was lost, "
            "or they were finished just before the connection broke",
            jobs,
            claim_id,
        )

    async def _told_one_by_one(self, parts: list[Part], error: psycopg.Error) -> None:
        """The server refused the report: find the ending it cannot take, and bury that job saying why."""
        logger.error("the server refused a report, telling it job by job: %s", error)
        endings = [ending_of(part.claim, job, word) for part in parts for job, word in part.endings.items()]
        for told, ending in enumerate(endings):
            try:
                await self._tell(ending)
            except LineBroken:
                self._book.restore_endings(parts, endings[told:])
                raise

    async def _tell(self, ending: Ending) -> None:
        try:
            await self._line.run(finish([ending]))
        except psycopg.Error as refusal:
            await self._line.run(finish([Ending(ending.claim, ending.job, "dead", error=described(refusal))]))
