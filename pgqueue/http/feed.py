"""What ended lately, asked for once for all who look on, and not at all while nobody does.

A viewer has no buffer, only a place in the one all share: who is slow is told of a gap, and never waited for.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import psycopg

from pgqueue.calls.activity import End
from pgqueue.errors import PgQueueError

log = logging.getLogger("pgqueue.http")

POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0  # between looks that fail
MOST_ENDS = 200  # in one look
KEPT = 1_000  # ends, for viewers that are slow or come back
RECENT = 50  # ends a new viewer begins with


class Feed:
    """The ends of attempts, in order, to any number of viewers.

    ask: for the last ends, the newest first, as many at most. viewers: how many there are.
    """

    def __init__(self, ask: Callable[[int], Awaitable[Sequence[End]]]) -> None:
        self.viewers = 0
        self._ask = ask
        self._kept: deque[tuple[int, End | None]] = deque(maxlen=KEPT)  # by their places; None is a gap
        self._next_place = 0
        self._news = asyncio.Event()
        self._is_closed = False
        self._polling: asyncio.Task[None] | None = None

    async def follow(self, last: str | None = None) -> AsyncGenerator[End | None, None]:
        """The recent ends and what comes, until the feed closes. None where some are left out.

        last: the name of the end seen last; then what came after it.
        """
        self.viewers += 1
        try:
            self._look_on()
            if not self._next_place:
                await self._news.wait()
            place = self._place_after(last)
            while not self._is_closed:
                news = self._news
                for number, end in [kept for kept in self._kept if kept[0] >= place]:
                    if number > place:
                        yield None
                    yield end
                    place = number + 1
                await news.wait()
        finally:
            self.viewers -= 1

    def close(self) -> None:
        """End all viewers' streams."""
        self._is_closed = True
        self._news.set()
        if self._polling is not None:
            self._polling.cancel()

    def _look_on(self) -> None:
        if not self._is_closed and (self._polling is None or self._polling.done()):
            self._polling = asyncio.ensure_future(self._poll())

    def _place_after(self, last: str | None) -> int:
        """Where a viewer begins; before all that is kept if it may have missed something."""
        if last is None:
            return max(self._next_place - RECENT, self._next_place - len(self._kept))
        places = [number for number, end in self._kept if end is not None and name_of(end) == last]
        return places[0] + 1 if places else -1

    async def _poll(self) -> None:
        pause = POLL_SECONDS
        while self.viewers:
            try:
                self._learn(await self._ask(MOST_ENDS))
                pause = POLL_SECONDS
            except (PgQueueError, psycopg.Error) as error:
                log.warning("no events for now, the next look is in %g s: %s", pause, error)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)

    def _learn(self, ends: Sequence[End]) -> None:
        known = {name_of(end) for _, end in self._kept if end is not None}
        fresh = [end for end in reversed(ends) if name_of(end) not in known]
        if known and len(fresh) == MOST_ENDS:
            self._keep(None)
        for end in fresh:
            self._keep(end)
        if fresh:
            news, self._news = self._news, asyncio.Event()
            news.set()

    def _keep(self, end: End | None) -> None:
        self._kept.append((self._next_place, end))
        self._next_place += 1


def name_of(end: End) -> str:
    """What no other end is called, in this process or another."""
    return f"{end.job_id}-{end.attempt}-{int(end.finished_at.timestamp() * 1_000_000)}"
