"""Calls on psycopg connections, blocking and async.

The cursors are our own: a user's cursor factory, row factory, JSON loader or
other adapter changes nothing for us.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import TupleRow, tuple_row

from pgqueue.calls.call import Call
from pgqueue.drivers.adapters import ADAPTERS
from pgqueue.drivers.advice import ROLLED_BACK, UNKNOWN_FATE, add_advice
from pgqueue.drivers.failures import translated
from pgqueue.drivers.spelling import native, spell

T = TypeVar("T")


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
