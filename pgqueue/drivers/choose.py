"""Which driver a connection needs, told from its type without importing any library."""

from collections.abc import Awaitable, Callable
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
    "django.db.backends.base.base.BaseDatabaseWrapper": ("django", "run", "atomic"),
    "django.utils.connection.ConnectionProxy": ("django", "run", "atomic"),
}
ASYNCHRONOUS: dict[str, Names] = {
    "psycopg.AsyncConnection": ("psycopg", "run_async", "atomic_async"),
    "asyncpg.connection.Connection": ("asyncpg", "run", "atomic"),
    "asyncpg.pool.PoolConnectionProxy": ("asyncpg", "run", "atomic"),
    "sqlalchemy.ext.asyncio.engine.AsyncConnection": ("sqlalchemy", "run_async", "atomic_async"),
    "sqlalchemy.ext.asyncio.session.AsyncSession": ("sqlalchemy", "run_async", "atomic_async"),
}

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
    ancestry = (f"{ancestor.__module__}.{ancestor.__qualname__}" for ancestor in type(connection).__mro__)
    return next((drivers[name] for name in ancestry if name in drivers), None)


def functions(names: Names) -> tuple[Any, Any]:
    """The two functions of a driver, imported now that one of its connections is here."""
    module = import_module(f"pgqueue.drivers.{names[0]}")
    return getattr(module, names[1]), getattr(module, names[2])


def refusal(connection: object, advice: str) -> UnsupportedConnection:
    """The error for a connection of the wrong kind."""
    kind = type(connection)
    return UnsupportedConnection(f"connection is a {kind.__module__}.{kind.__qualname__}: {advice}")
