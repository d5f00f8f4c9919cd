"""What became of a report: endings told, refused one by one, or lost with their lease.

It must never let one ending that cannot be told keep others from being told.
"""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from pgqueue.calls.finish import Ending, finish
from pgqueue.delivery import Delivery
from pgqueue.errors import PgQueueError
from pgqueue.failure import described
from pgqueue.worker import verdict
from pgqueue.worker.book import Book, Part
from pgqueue.worker.counts import Counts
from pgqueue.worker.line import Line, LineBroken, first_line
from pgqueue.worker.pace import Pace
from pgqueue.worker.refusal import Refusal, refusal_of
from pgqueue.worker.report import ending_of, seconds_of, soonest_return
from pgqueue.worker.sentry import Sentry
from pgqueue.worker.verdict import EndingUnlessFinished

logger = logging.getLogger("pgqueue.worker")

BLOCKED_SECONDS = 1.0  # until an ending is told again that somebody's open transaction stood in the way of


class Teller:
    """Tells the server how jobs ended where that is not simple, and the worker's parts what was told."""

    def __init__(self, book: Book, line: Line, counts: Counts, *, pace: Pace, sentry: Sentry) -> None:
        self._book = book
        self._line = line
        self._counts = counts
        self._pace = pace
        self._sentry = sentry

    def hand_back(self, delivery: Delivery) -> None:
        """A job that was never started: handed back unspent."""
        ending = verdict.unspent(delivery)
        self._counts.ended(delivery, ending)
        self._book.ended(delivery, ending)

    def told(self, parts: Sequence[Part], answers: Sequence[Any]) -> None:
        """The server took this report; what it says was lost is counted."""
        if not parts:
            return
        jobs, seconds = seconds_of(parts)
        if jobs:
            self._pace.measured(jobs, seconds)
        soonest = soonest_return(parts)
        if soonest is not None:
            self._sentry.expect(soonest)
        self._count_lost(parts, list(answers))

    async def tell_one_by_one(self, parts: list[Part]) -> None:
        """The server refused this report: tell each ending by itself. Raises LineBroken.

        One that cannot be said buries its job, saying why; one that somebody's
        transaction stands in the way of is told again later.
        """
        endings = [ending_of(part.claim, job, word) for part in parts for job, word in part.endings.items()]
        blocked: list[Ending] = []
        for place, ending in enumerate(endings):
            try:
                if not await self._tell(ending):
                    blocked.append(ending)
            except LineBroken:
                self._book.restore_endings(parts, [*blocked, *endings[place:]])
                raise
        self._book.restore_endings(parts, blocked, after_seconds=BLOCKED_SECONDS)

    async def _tell(self, ending: Ending) -> bool:
        """Tell one ending. Returns whether that is settled."""
        try:
            (lost,) = await self._line.run(finish([ending]))
        except (psycopg.Error, PgQueueError) as error:
            if refusal_of(error) is not Refusal.OURS:
                return False
            return await self._bury(ending, error)
        if lost and not isinstance(ending, EndingUnlessFinished):
            self._lost(ending.claim, 1)
        if ending.delay is not None:
            self._sentry.expect(ending.delay.total_seconds())
        return True

    async def _bury(self, ending: Ending, refusal: Exception) -> bool:
        logger.error("how job %s ended cannot be stored: %s", ending.job, first_line(refusal))
        try:
            await self._line.run(finish([Ending(ending.claim, ending.job, "dead", error=described(refusal))]))
        except (psycopg.Error, PgQueueError) as error:
            if refusal_of(error) is not Refusal.OURS:
                return False
            logger.exception("nor can its death: job %s is left until its lease ends", ending.job)
        return True

    def _count_lost(self, parts: Sequence[Part], answers: list[Any]) -> None:
        plain = {part.claim: len(part.endings) for part in parts if part.is_plain}
        if plain:
            held = set(answers.pop(0))
            for claim, jobs in plain.items():
                if claim not in held:
                    self._lost(claim, jobs)
        lost = answers[0] if answers else ()
        for claim in {claim for claim, _ in lost}:
            words = next(part.endings for part in parts if part.claim == claim)
            gone = [job for of, job in lost if of == claim]
            unfinished = [job for job in gone if not isinstance(words.get(job), EndingUnlessFinished)]
            if unfinished:
                self._lost(claim, len(unfinished))

    def _lost(self, claim: int, jobs: int) -> None:
        self._counts.lost += jobs
        logger.warning(
            "%s ended jobs of claim %s could not be finished: its lease was lost, "
            "or they were finished just before the connection broke",
            jobs,
            claim,
        )
