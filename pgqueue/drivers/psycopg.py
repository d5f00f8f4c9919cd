"""Calls on psycopg connections, blocking and async.

The cursors are our own: a user's cursor factory, row factory, JSON loader or
other adapter changes nothing for us.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from struct import Struct
from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import TupleRow, tuple_row
from psycopg.types.datetime import TimedeltaBinaryDumper

from pgqueue.calls.call import Call
from pgqueue.drivers.advice import ROLLED_BACK, UNKNOWN_FATE, add_advice
from pgqueue.drivers.failures import translated
from pgqueue.drivers.own import OwnAsyncConnection, OwnConnection
from pgqueue.drivers.spelling import lagging, native, spell

T = TypeVar("T")

INTERVAL = Struct("!qii")  # microseconds, days, months
IN_FLIGHT = 2  # statements sent ahead of their answers: the server is busy while we write the next


class JsonText(Loader):
    """Reads jsonb as its text: what it means is for the call's decoder to say."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        """The text after jsonb's version byte."""
        encoding = self.connection.info.encoding if self.connection else "utf-8"
        return bytes(data)[1:].decode(encoding)


class Elapsed(TimedeltaBinaryDumper):
    """Writes a timedelta without days: a day would be 23 or 25 hours where the session's clocks change."""

    def dump(self, obj: timedelta) -> bytes:
        """The interval in microseconds alone."""
        return INTERVAL.pack(obj // timedelta(microseconds=1), 0, 0)


ADAPTERS = AdaptersMap(psycopg.adapters)
ADAPTERS.register_loader("jsonb", JsonText)
ADAPTERS.register_dumper(timedelta, Elapsed)


class Cursor(psycopg.Cursor[TupleRow]):
    """A cursor with our own adapters, answering in binary."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        super().__init__(connection, row_factory=tuple_row)
        self.format = Format.BINARY

    @property
    def adapters(self) -> AdaptersMap:
        """Ours, not the connection's."""
        return ADAPTERS


class AsyncCursor(psycopg.AsyncCursor[TupleRow]):
    """A cursor with our own adapters, answering in binary."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        super().__init__(connection, row_factory=tuple_row)
        self.format = Format.BINARY

    @property
    def adapters(self) -> AdaptersMap:
        """Ours, not the connection's."""
        return ADAPTERS


def run(connection: "psycopg.Connection[Any]", call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    with translated(schema), fate_told(connection), Cursor(connection) as cursor:
        cursor.execute(spell(call.function, schema, native).encode(), call.values)
        return call.decode(cursor.fetchall())


async def run_async(connection: "psycopg.AsyncConnection[Any]", call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    with translated(schema), fate_told(connection):
        async with AsyncCursor(connection) as cursor:
            await cursor.execute(spell(call.function, schema, native).encode(), call.values)
            return call.decode(await cursor.fetchall())


@contextmanager
def fate_told(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> Iterator[None]:
    """Where the connection breaks, note what became of the call, as far as that is known."""
    try:
        yield
    except psycopg.Error as error:
        if connection.closed:
            add_advice(error, UNKNOWN_FATE if connection.autocommit else ROLLED_BACK)
        raise


def run_own(connection: OwnConnection, call: Call[T], schema: str, *, lags: bool) -> T:
    """Run the call in a transaction of its own.

    lags: that need not wait for the disk when it commits.
    """
    cursor = connection.kept_cursor = connection.kept_cursor or Cursor(connection)
    with translated(schema):
        cursor.execute(spell(call.function, schema, lagging if lags else native).encode(), call.values)
        return call.decode(cursor.fetchall())


async def run_own_async(connection: OwnAsyncConnection, call: Call[T], schema: str, *, lags: bool) -> T:
    """Run the call in a transaction of its own. See `run_own`."""
    cursor = connection.kept_cursor = connection.kept_cursor or AsyncCursor(connection)
    with translated(schema):
        await cursor.execute(spell(call.function, schema, lagging if lags else native).encode(), call.values)
        return call.decode(await cursor.fetchall())


@contextmanager
def atomic(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """All or nothing for several calls: a savepoint of the open transaction, or in autocommit one of its own.

    Where the first call will begin a transaction that is the caller's to commit, a
    failure rolls it back: nothing else is in it.
    """
    if connection.autocommit or not is_idle(connection):
        with connection.transaction():
            yield
        return
    try:
        yield
    except BaseException:
        connection.rollback()
        raise


@asynccontextmanager
async def atomic_async(connection: "psycopg.AsyncConnection[Any]") -> AsyncIterator[None]:
    """All or nothing for several calls. See `atomic`."""
    if connection.autocommit or not is_idle(connection):
        async with connection.transaction():
            yield
        return
    try:
        yield
    except BaseException:
        await connection.rollback()
        raise


def is_idle(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """Whether no transaction is open."""
    return connection.info.transaction_status == TransactionStatus.IDLE


def run_each(connection: "psycopg.Connection[Any]", calls: Iterable[Call[T]], schema: str) -> list[T]:
    """Run the calls one after the other, preparing the next while the server works on the last."""
    results: list[T] = []
    under_way: deque[tuple[Call[T], Cursor]] = deque()
    with translated(schema), connection.pipeline() as pipeline:
        for call in calls:
            cursor = Cursor(connection)
            cursor.execute(spell(call.function, schema, native).encode(), call.values)
            under_way.append((call, cursor))
            if len(under_way) > IN_FLIGHT:
                results.append(answer(*under_way.popleft()))
        pipeline.sync()  # with the last call, not after its answer: a round trip less, and it is committed
        results.extend(answer(*under_way.popleft()) for _ in range(len(under_way)))
    return results


async def run_each_async(
    connection: "psycopg.AsyncConnection[Any]", calls: Iterable[Call[T]], schema: str
) -> list[T]:
    """Run the calls one after the other, preparing the next while the server works on the last."""
    results: list[T] = []
    under_way: deque[tuple[Call[T], AsyncCursor]] = deque()
    with translated(schema):
        async with connection.pipeline() as pipeline:
            for call in calls:
                cursor = AsyncCursor(connection)
                await cursor.execute(spell(call.function, schema, native).encode(), call.values)
                under_way.append((call, cursor))
                if len(under_way) > IN_FLIGHT:
                    results.append(await answer_async(*under_way.popleft()))
            await pipeline.sync()  # see above
            while under_way:
                results.append(await answer_async(*under_way.popleft()))
    return results


def answer(call: Call[T], cursor: Cursor) -> T:
    """What the call came to."""
    with cursor:
        return call.decode(cursor.fetchall())


async def answer_async(call: Call[T], cursor: AsyncCursor) -> T:
    """What the call came to."""
    async with cursor:
        return call.decode(await cursor.fetchall())
