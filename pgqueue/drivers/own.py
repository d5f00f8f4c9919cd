"""Connections of our own: they wait for an answer only so long, and tell if they have died or are pooled.

It must never let a call hang on a network that has gone silent: TCP's keepalives
do not see a machine in the middle that goes on acknowledging.
"""

import os
import select
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

T = TypeVar("T")

PREPARE_AFTER = 2  # uses of a statement on one connection before it is prepared
ANSWER_SECONDS = 300.0  # a client's call may be large, and the server slow
CONNECT_SECONDS = 10
PROCESS = "select pg_catalog.pg_backend_pid()"
FAREWELL_READS = 3  # its last words, then the end; now and then there is only a notice, which does no harm
SOCKET_PATIENCE = {  # a dead network is noticed after about ten seconds
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class NoAnswer(psycopg.OperationalError):
    """Nothing moved on the connection for too long while an answer was due; it is closed."""


class Trouble:
    """Why the last connection could not be made (nothing once one could), and how many are under way."""

    def __init__(self) -> None:
        self.last: Exception | None = None
        self.tries = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what becomes of the attempt in this block."""
        self.tries += 1
        try:
            yield
        except Exception as error:
            self.last = error
            raise
        else:
            self.last = None
        finally:
            self.tries -= 1


class OwnConnection(psycopg.Connection[TupleRow]):
    """A connection of ours alone.

    statements: those of its calls, see `pgqueue.drivers.exchange`.
    answer_seconds: how long nothing may move while an answer is due; None for ever.
    is_pooled: whether a pooler stands in between: it greets with another process than the one that answers.
        What one prepares there is anybody's, under a name that others use too; so we prepare nothing.
    """

    answer_seconds: float | None = ANSWER_SECONDS
    is_pooled = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.statements: dict[Any, Any] = {}

    @classmethod
    def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, trouble: Trouble | None = None, **options: Any
    ) -> "OwnConnection":
        """Connect, and keep in `trouble` why that failed."""
        with (trouble or Trouble()).kept():
            connection = super().connect(conninfo, **options)
            connection.look_for_pooler()
            return connection

    def look_for_pooler(self) -> None:
        """Ask which process answers, as the last part of connecting."""
        self.answer_seconds, patience = CONNECT_SECONDS, self.answer_seconds
        try:
            self.is_pooled = self.process() != self.info.backend_pid
        except BaseException:
            self.close()
            raise
        self.answer_seconds = patience
        if self.is_pooled:
            self.prepare_threshold = None

    def process(self) -> int:
        """The server's process that answers now."""
        row = self.execute(PROCESS, prepare=False).fetchone()
        return int(row[0]) if row else 0

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        """As psycopg waits, but not for ever. Raises NoAnswer."""
        if self.answer_seconds is None:
            return super().wait(gen, *arguments, **options)
        try:
            return super().wait(in_time(gen, self.answer_seconds), *arguments, **options)
        except NoAnswer:
            self.pgconn.finish()
            raise


class OwnAsyncConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection of ours alone. See `OwnConnection`."""

    answer_seconds: float | None = ANSWER_SECONDS
    is_pooled = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.statements: dict[Any, Any] = {}

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, trouble: Trouble | None = None, **options: Any
    ) -> "OwnAsyncConnection":
        """Connect, and keep in `trouble` why that failed."""
        with (trouble or Trouble()).kept():
            connection = await super().connect(conninfo, **options)
            await connection.look_for_pooler()
            return connection

    async def look_for_pooler(self) -> None:
        """Ask which process answers, as the last part of connecting."""
        self.answer_seconds, patience = CONNECT_SECONDS, self.answer_seconds
        try:
            self.is_pooled = await self.process() != self.info.backend_pid
        except BaseException:
            await self.close()
            raise
        self.answer_seconds = patience
        if self.is_pooled:
            self.prepare_threshold = None

    async def process(self) -> int:
        """The server's process that answers now."""
        row = await (await self.execute(PROCESS, prepare=False)).fetchone()
        return int(row[0]) if row else 0

    def hang_up(self) -> None:
        """Break the connection from outside: whoever waits on it is told at once. It stays to be closed."""
        if not self.closed:
            with socket.socket(fileno=os.dup(self.pgconn.socket)) as line, suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    async def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        """As psycopg waits, but not for ever. Raises NoAnswer."""
        if self.answer_seconds is None:
            return await super().wait(gen, *arguments, **options)
        try:
            return await super().wait(in_time(gen, self.answer_seconds), *arguments, **options)
        except NoAnswer:
            self.pgconn.finish()
            raise


def in_time(gen: Generator[Any, Any, T], seconds: float) -> Generator[Any, Any, T]:
    """The same exchange, given up where nothing moves for so long. psycopg looks in ten times a second."""
    try:
        wanted = next(gen)
        deadline = time.monotonic() + seconds
        while True:
            ready = yield wanted
            if ready:
                deadline = time.monotonic() + seconds
            elif time.monotonic() > deadline:
                raise NoAnswer(f"no answer from the server for {seconds:g} s")
            wanted = gen.send(ready)
    except StopIteration as done:
        result: T = done.value
        return result


def options_for(dsn: str, *, prepare: bool) -> dict[str, Any]:
    """What a connection of ours is opened with; how patient it is, the DSN may say otherwise."""
    said = conninfo_to_dict(dsn)
    return {
        "autocommit": True,
        "prepare_threshold": PREPARE_AFTER if prepare else None,
        "application_name": "pgqueue",
        "client_encoding": "utf8",  # whatever the role or the database prefers: JSON is in it
        **{name: value for name, value in SOCKET_PATIENCE.items() if name not in said},
    }


def has_died(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Whether the server has hung up since the last use: a look at the socket, no round trip."""
    poll = select.poll()
    try:
        poll.register(connection.pgconn.socket, select.POLLIN)
        for _ in range(FAREWELL_READS):
            if not poll.poll(0):
                break
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return connection.closed
