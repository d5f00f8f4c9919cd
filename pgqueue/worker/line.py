"""A worker's connection: kept for its life, made again when it breaks.

It must never run a call twice by itself: whoever asked decides what to do after a break.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.pq import PipelineStatus

from pgqueue.calls.call import Call
from pgqueue.drivers import exchange, pipeline
from pgqueue.drivers.own import OwnAsyncConnection
from pgqueue.errors import PgQueueError
from pgqueue.worker.attention import Attention

logger = logging.getLogger("pgqueue.worker")

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
LEAST_PATIENCE_SECONDS = 10.0  # a busy server may take a while
MOST_PATIENCE_SECONDS = 60.0
DROP_SECONDS = 1.0  # for a call under way to end, before the connection is closed

Connection = OwnAsyncConnection
Greeting = Callable[[Connection], Awaitable[None]]


class LineBroken(Exception):
    """The connection broke; what was under way may or may not have been done."""


class Line:
    """One connection to one DSN. Calls on it take turns.

    greeting: run on every new connection, before any call.
    patience_seconds: how long nothing may move while an answer is due; then the line is broken.
    broken: set while there is no connection. on_break: called when it breaks, whoever noticed.
    on_notify: called with the payload of each notification that this session hears.
    """

    def __init__(
        self,
        dsn: str,
        *,
        schema: str,
        options: dict[str, Any],
        greeting: Greeting,
        patience_seconds: float = LEAST_PATIENCE_SECONDS,
    ) -> None:
        self.broken = asyncio.Event()
        self.on_break: Callable[[], None] | None = None
        self.on_notify: Callable[[str], None] | None = None
        self.schema = schema
        self.dsn = dsn
        self._options = options
        self._greeting = greeting
        self._patience_seconds = patience_seconds
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._attention = Attention(self._heard, self._found_broken)
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as we know."""
        return self._connection is not None

    @property
    def backend_pid(self) -> int | None:
        """The server process at the other end, if we are connected."""
        return self._connection.info.backend_pid if self._connection is not None else None

    async def open(self) -> None:
        """Connect once; raises what the server says."""
        connection = await OwnAsyncConnection.connect(self.dsn, **self._options)
        try:
            with answering(connection, self._patience_seconds):
                await self._greeting(connection)
        except BaseException:
            await connection.close()
            raise
        connection.add_notify_handler(lambda notification: self._heard(notification.payload))
        self._connection = connection
        self.broken.clear()
        self._attention.begin(connection)

    async def reopen(self) -> None:
        """Connect again, and again with growing, jittered pauses, until it works."""
        pause = FIRST_PAUSE_SECONDS
        while self._connection is None:
            try:
                await self.open()
            except (psycopg.Error, OSError) as error:
                logger.warning("cannot reach the database, trying on: %s", first_line(error))
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def run(self, *calls: Call[Any]) -> list[Any]:
        """Run the calls in one round trip and one transaction; their answers, in order.

        Raises LineBroken if the connection breaks; any other error of the server as it is.
        """
        async with self._turn:
            connection = self._connection
            if connection is None:
                raise LineBroken("not connected")
            self._attention.end()
            try:
                with answering(connection, self._patience_seconds):
                    return await self._exchange(connection, calls)
            except UnicodeError as error:  # nothing was sent: what we would say has no written form
                raise psycopg.DataError(first_line(error)) from error
            except (psycopg.Error, PgQueueError, OSError) as error:
                await self._look_after(connection, error)
                raise
            except asyncio.CancelledError:
                await self._drop(connection)  # in the middle of an answer: nobody can read on
                raise
            finally:
                if self._connection is connection:
                    self._attention.begin(connection)

    async def _exchange(self, connection: Connection, calls: Sequence[Call[Any]]) -> list[Any]:
        if len(calls) == 1:
            return [await exchange.run_own_async(connection, calls[0], self.schema)]
        return await pipeline.run_each_async(connection, calls, self.schema)

    @asynccontextmanager
    async def quiet(self, seconds: float) -> AsyncIterator[None]:
        """No call is under way inside the block: one that does not end in so many seconds is broken off."""
        is_quiet = await self._take_turn(seconds)
        if not is_quiet and self._connection is not None:
            self._connection.hang_up()  # whoever waits for an answer gives up at once, and his turn
            is_quiet = await self._take_turn(seconds)
        try:
            yield
        finally:
            if is_quiet:
                self._turn.release()

    async def _take_turn(self, seconds: float) -> bool:
        """Whether it came to us within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                return await self._turn.acquire()
        except TimeoutError:
            return False

    async def drop(self) -> None:
        """Close the connection; `reopen` makes a new one.

        Not under the call of another: it would wait on for an answer, by then perhaps on another's socket.
        """
        connection = self._connection
        async with self.quiet(DROP_SECONDS):
            if connection is not None and self._connection is connection:
                await self._drop(connection)

    async def _look_after(self, connection: Connection, error: Exception) -> None:
        """Tell a broken connection from an error on a sound one.

        Where a commit is refused, psycopg may leave the pipeline open, and answers in it that nobody reads.
        """
        is_amiss = connection.closed or connection.broken or isinstance(error, OSError)
        if is_amiss or connection.pgconn.pipeline_status != PipelineStatus.OFF:
            await self._drop(connection)
            raise LineBroken(first_line(error)) from error

    async def _drop(self, connection: Connection) -> None:
        self._lose(connection)
        await connection.close()

    def _lose(self, connection: Connection) -> None:
        if self._connection is not connection:
            return
        self._attention.end()
        self._connection = None
        self.broken.set()
        if self.on_break is not None:
            self.on_break()

    def _heard(self, payload: str) -> None:
        if self.on_notify is not None:
            self.on_notify(payload)

    def _found_broken(self, error: psycopg.Error) -> None:
        """While nobody asked anything: those who wait learn it now, not with their next call."""
        if self._connection is None:
            return
        logger.info("the connection is gone: %s", first_line(error))
        closing = asyncio.get_running_loop().create_task(self._connection.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self._lose(self._connection)


@contextmanager
def answering(connection: Connection, seconds: float) -> Iterator[None]:
    """Inside the block an answer is due; outside silence is no fault, for then we may listen for hours."""
    connection.answer_seconds = seconds
    try:
        yield
    finally:
        connection.answer_seconds = None


def patience_for(lease: timedelta) -> float:
    """How long a silent server is waited for: time must remain to connect anew and keep our leases."""
    return min(max(lease.total_seconds() / 3, LEAST_PATIENCE_SECONDS), MOST_PATIENCE_SECONDS)


def first_line(error: BaseException) -> str:
    """The first line of what it says, or its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
