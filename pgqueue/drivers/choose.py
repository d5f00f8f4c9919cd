"""Which driver a connection needs, told from its type without importing any library."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pgqueue.calls.call import Call
from pgqueue.errors import UnsupportedConnection

Names = tuple[str, str, str]

BLOCKING: dict[str, Names] = {
    "psycopg.Connection": ("psycopg", "run", "atomic"),
    "sqlalchemy.engine.base.Connection": ("sqlalchemy", "run", "atomic"),
    "sqlalchemy.orm.session.Session": ("sqlalchemy", "run", "atomic"),
    "sqlalchemy.orm.scoping.scoped_session": ("sqlalchemy", "run", "atomic"),
    "django.db.backends.base.base.BaseDatabaseWrapper": ("django", "run", "atomic"),
    "django.utils.connection.ConnectionProxy": ("django", "run", "atomic"),
}
ASYNCHRONOUS: dict[str, Names] = {
    "psycopg.AsyncConnection": ("psycopg", "run_async", "atomic_async"),
    "asyncpg.connection.Connection": ("asyncpg", "run", "atomic"),
    "asyncpg.pool.PoolConnectionProxy": ("asyncpg", "run", "atomic"),
    "sqlalchemy.ext.asyncio.engine.AsyncConnection": ("sqlalchemy", "run_async", "atomic_async"),
    "sqlalchemy.ext.asyncio.session.AsyncSession": ("sqlalchemy", "run_async", "atomic_async"),
    "sqlalchemy.ext.asyncio.scoping.async_scoped_session": ("sqlalchemy", "run_async", "atomic_async"),
}

ADVICE: dict[str, str] = {
    "builtins.str": "a DSN is given to the client itself: Client(dsn) or AsyncClient(dsn)",
    "psycopg.Cursor": "give its .connection",
    "psycopg.AsyncCursor": "give its .connection",
    "psycopg_pool.pool.ConnectionPool": "give a connection of the pool: with pool.connection() as connection",
    "psycopg_pool.pool_async.AsyncConnectionPool": (
        "give a connection of the pool: async with pool.connection() as connection"
    ),
    "asyncpg.pool.Pool": "give a connection of the pool: async with pool.acquire() as connection",
    "sqlalchemy.engine.base.Engine": "give a connection taken from it: with engine.begin() as connection",
    "sqlalchemy.ext.asyncio.engine.AsyncEngine": (
        "give a connection taken from it: async with engine.begin() as connection"
    ),
    "sqlalchemy.orm.session.sessionmaker": "give a session made by it: with maker.begin() as session",
    "sqlalchemy.ext.asyncio.session.async_sessionmaker": (
        "give a session made by it: async with maker.begin() as session"
    ),
    "django.utils.connection.BaseConnectionHandler": "give one of them, such as django.db.connection",
}
"""By class: what to do about things that are near a connection and are none."""

FOR_CLIENT = "a psycopg Connection, a SQLAlchemy Connection or Session, or a Django connection"
FOR_ASYNC_CLIENT = (
    "a psycopg AsyncConnection, an asyncpg Connection, or a SQLAlchemy AsyncConnection or AsyncSession"
)


@dataclass(frozen=True, slots=True)
class BlockingDriver:
    """How to run a call on a connection, and several as one."""

    run: Callable[[Any, Call[Any], str], Any]
    atomic: Callable[[Any], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class AsyncDriver:
    """How to run a call on a connection, and several as one."""

    run: Callable[[Any, Call[Any], str], Awaitable[Any]]
    atomic: Callable[[Any], AbstractAsyncContextManager[Any]]


def blocking(connection: object) -> BlockingDriver:
    """The driver of a blocking connection. Raises UnsupportedConnection."""
    names = names_for(connection, BLOCKING)
    if names is None:
        is_async = names_for(connection, ASYNCHRONOUS) is not None
        raise refusal(connection, "use AsyncClient for it" if is_async else f"a Client takes {FOR_CLIENT}")
    return BlockingDriver(*functions(names))


def asynchronous(connection: object) -> AsyncDriver:
    """The driver of an async connection. Raises UnsupportedConnection."""
    names = names_for(connection, ASYNCHRONOUS)
    if names is None:
        is_blocking = names_for(connection, BLOCKING) is not None
        raise refusal(
            connection, "use Client for it" if is_blocking else f"an AsyncClient takes {FOR_ASYNC_CLIENT}"
        )
    return AsyncDriver(*functions(names))


def names_for(connection: object, drivers: dict[str, Names]) -> Names | None:
    """The driver of the first class in the connection's ancestry that has one."""
    return next((drivers[name] for name in ancestry(connection) if name in drivers), None)


def ancestry(connection: object) -> Iterator[str]:
    """The full names of its class and of those it inherits from."""
    return (f"{ancestor.__module__}.{ancestor.__qualname__}" for ancestor in type(connection).__mro__)


def functions(names: Names) -> tuple[Any, Any]:
    """The two functions of a driver, imported now that one of its connections is here."""
    module = import_module(f"pgqueue.drivers.{names[0]}")
    return getattr(module, names[1]), getattr(module, names[2])


def refusal(connection: object, advice: str) -> UnsupportedConnection:
    """The error for a connection of the wrong kind, with the best advice there is."""
    kind = next(ancestry(connection))
    known = next((ADVICE[name] for name in ancestry(connection) if name in ADVICE), advice)
    return UnsupportedConnection(f"connection is a {kind}: {known}")
