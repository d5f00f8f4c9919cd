"""Looks at the installation for all viewers at once. It must never ask more the more there are.

A look is a few bounded questions, every two seconds. One that fails is told and made again, ever later.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import psycopg

from pgqueue.async_client import AsyncClient
from pgqueue.backoff import Exponential
from pgqueue.dashboard.history import Point, Sample, point_of
from pgqueue.dashboard.news import Event, News
from pgqueue.errors import NoConnection, PgQueueError

log = logging.getLogger("pgqueue.dashboard")

SECONDS = 2.0
POINTS = 300  # ten minutes
EVENTS = 200
MOST_ENDS = 40  # a look tells of: more are gone before anybody reads them
MOST_RUNNING = 200
RETRY = Exponential(base=timedelta(seconds=2), ceiling=timedelta(seconds=30))
TROUBLE = "The database does not answer; what you see is from before. Trying again."

Listener = Callable[[], None]


def words_of(error: PgQueueError) -> str:
    """What viewers are told of an error: never where the database is."""
    return TROUBLE if isinstance(error, NoConnection) else str(error)


class Watcher:
    """What is known of an installation, kept fresh while `run` runs; listeners hear of every look."""

    def __init__(self, client: AsyncClient, *, seconds: float = SECONDS) -> None:
        self._client = client
        self._seconds = seconds
        self._news = News()
        self._listeners: list[Listener] = []
        self._failures = 0
        self._looking = asyncio.Lock()  # one at a time: else an older look may end last
        self.sample: Sample | None = None
        self.points: deque[Point] = deque(maxlen=POINTS)
        self.events: deque[Event] = deque(maxlen=EVENTS)
        self.trouble: str | None = None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have it called after every look; what is returned ends that, however often it is called."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self.look()
            pause = RETRY(self._failures).total_seconds() if self._failures else self._seconds
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Look once, and tell."""
        try:
            async with self._looking:
                self._learn(await self._ask())
        except (PgQueueError, psycopg.Error, OSError) as error:
            self._failures += 1
            self.trouble = TROUBLE
            log.warning("cannot look at the installation: %s: %s", type(error).__name__, error)
        for listener in list(self._listeners):
            self._tell(listener)

    async def _ask(self) -> Sample:
        client = self._client
        return Sample(
            await client.stats(),
            await client.activity(),
            (await client.list_jobs(state="running", limit=MOST_RUNNING)).jobs,
            tuple(await client.last_ends(limit=MOST_ENDS)),
        )

    def _learn(self, sample: Sample) -> None:
        self._failures = 0
        self.trouble = None
        self.sample = sample
        self.points.append(point_of(sample))
        self.events.extend(self._news.of(sample))

    def _tell(self, listener: Listener) -> None:
        try:
            listener()
        except Exception:  # a page's mistake must not stop the others
            log.exception("a page could not be brought up to date")
