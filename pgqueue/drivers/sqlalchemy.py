"""Calls on SQLAlchemy connections and sessions, blocking and async.

The statement goes through SQLAlchemy, so that it knows its transaction has begun
and `commit` commits; it is spelled for the driver below.
"""

from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session

from pgqueue.calls.call import Call
from pgqueue.drivers.failures import translated
from pgqueue.drivers.spelling import Placeholder, binary_lists, numbered, percent, spell
from pgqueue.errors import UnsupportedConnection

T = TypeVar("T")

PLACEHOLDERS: dict[str, Placeholder] = {"psycopg": binary_lists, "psycopg2": percent, "asyncpg": numbered}


def run(connection: Connection | Session, call: Call[T], schema: str) -> T:
    """Run the call in the connection's or session's transaction."""
    target = connection.connection() if isinstance(connection, Session) else connection
    statement = spell(call.function, schema, placeholder_of(target))
    with translated(schema):
        return call.decode(target.exec_driver_sql(statement, call.values).fetchall())


async def run_async(connection: AsyncConnection | AsyncSession, call: Call[T], schema: str) -> T:
    """Run the call in the connection's or session's transaction."""
    target = await connection.connection() if isinstance(connection, AsyncSession) else connection
    return await target.run_sync(run, call, schema)


def atomic(connection: Connection | Session) -> AbstractContextManager[Any]:  # noqa: ARG001 - always in one
    """SQLAlchemy begins a transaction by itself, and only the caller ends it."""
    return nullcontext()


def atomic_async(
    connection: AsyncConnection | AsyncSession,  # noqa: ARG001 - always in one
) -> AbstractAsyncContextManager[Any]:
    """SQLAlchemy begins a transaction by itself, and only the caller ends it."""
    return nullcontext()


def placeholder_of(connection: Connection) -> Placeholder:
    """How the driver below writes placeholders. Raises UnsupportedConnection."""
    driver: Any = connection.dialect.driver
    name = "psycopg" if driver == "psycopg_async" else driver
    if name not in PLACEHOLDERS:
        raise UnsupportedConnection(
            f"SQLAlchemy connects through {driver!r}: use postgresql+psycopg, +psycopg2 or +asyncpg"
        )
    return PLACEHOLDERS[name]
