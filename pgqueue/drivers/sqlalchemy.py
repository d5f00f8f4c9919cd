"""Calls on SQLAlchemy connections and sessions, blocking and async.

The statement goes through SQLAlchemy, so that it knows its transaction has begun
and `commit` commits; it is spelled for the driver below.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session

from pgqueue.calls.call import Call
from pgqueue.drivers.failures import translated
from pgqueue.drivers.portable import rows_read, values
from pgqueue.drivers.spelling import Placeholder, binary_lists, numbered, percent, spell
from pgqueue.errors import UnsupportedConnection

T = TypeVar("T")

Blocking = Connection | Session | scoped_session[Session]
Async = AsyncConnection | AsyncSession | async_scoped_session[AsyncSession]

PLACEHOLDERS: dict[str, Placeholder] = {
    "psycopg": binary_lists,
    "psycopg_async": binary_lists,
    "psycopg2": percent,
    "asyncpg": numbered,
}


def run(connection: Blocking, call: Call[T], schema: str) -> T:
    """Run the call in the connection's or session's transaction."""
    target = connection_of(connection)
    statement = spell(call.function, schema, placeholder_of(target))
    with translated(schema):
        rows = target.exec_driver_sql(statement, values(call)).fetchall()
        return call.decode(rows_read(call.function, rows))


async def run_async(connection: Async, call: Call[T], schema: str) -> T:
    """Run the call in the connection's or session's transaction."""
    target = await async_connection_of(connection)
    return await target.run_sync(run, call, schema)


@contextmanager
def atomic(connection: Blocking) -> Iterator[None]:
    """All or nothing for several calls: a savepoint of the open transaction, or in autocommit one of its own.

    SQLAlchemy in AUTOCOMMIT only pretends to be in a transaction; there the driver's own is used.
    """
    target = connection_of(connection)
    placeholder_of(target)
    if not commits_each(target):
        with target.begin_nested():
            yield
        return
    raw: Any = target.connection.driver_connection
    with raw if target.dialect.driver == "psycopg2" else raw.transaction():
        yield


@asynccontextmanager
async def atomic_async(connection: Async) -> AsyncIterator[None]:
    """All or nothing for several calls. See `atomic`."""
    target = await async_connection_of(connection)
    placeholder_of(target.sync_connection or target)
    if not await target.run_sync(commits_each):
        async with target.begin_nested():
            yield
        return
    raw: Any = (await target.get_raw_connection()).driver_connection
    async with raw.transaction():
        yield


def commits_each(connection: Connection) -> bool:
    """Whether each statement would commit alone."""
    below: Any = connection.connection.dbapi_connection
    return bool(below.autocommit)


def connection_of(connection: Blocking) -> Connection:
    """The connection of a session, which begins its transaction; a connection as it is."""
    return connection if isinstance(connection, Connection) else connection.connection()


async def async_connection_of(connection: Async) -> AsyncConnection:
    """The connection of a session, which begins its transaction; a connection as it is."""
    return connection if isinstance(connection, AsyncConnection) else await connection.connection()


def placeholder_of(connection: Connection | AsyncConnection) -> Placeholder:
    """How the driver below writes placeholders. Raises UnsupportedConnection."""
    driver = connection.dialect.driver
    if driver not in PLACEHOLDERS:
        raise UnsupportedConnection(
            f"SQLAlchemy connects to {connection.dialect.name} through {driver!r}: "
            "use postgresql+psycopg, +psycopg2 or +asyncpg"
        )
    return PLACEHOLDERS[driver]
