"""SQLAlchemy: connections and sessions, blocking and async, over each driver below."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tests.drivers.route import Handle, Route, made_async, nothing, rolled_back


def url(dsn: str, driver: str) -> Any:
    """The same place as SQLAlchemy writes it."""
    parts = conninfo_to_dict(dsn)
    return make_url(f"postgresql+{driver}://").set(
        username=str(parts["user"]), database=str(parts["dbname"]), query={"host": str(parts["host"])}
    )


def blocking_handle(connection: Any) -> Handle:
    def savepoint() -> Any:
        return rolled_back(connection.begin_nested())

    return Handle(connection, nothing, connection.commit, connection.rollback, made_async(savepoint))


def async_handle(connection: Any) -> Handle:
    @asynccontextmanager
    async def savepoint() -> AsyncIterator[None]:
        nested = await connection.begin_nested()
        yield
        await nested.rollback()

    return Handle(connection, nothing, connection.commit, connection.rollback, savepoint)


def scoped(engine: Any) -> Any:
    """A thread's own session, as web frameworks hand it out."""
    return scoped_session(sessionmaker(engine))


def blocking(driver: str, kind: Callable[[Any], Any], **options: Any) -> Any:
    @asynccontextmanager
    async def opened(dsn: str, **more: Any) -> AsyncIterator[Handle]:
        engine = create_engine(url(dsn, driver), poolclass=NullPool, **options, **more)
        connection = kind(engine)
        try:
            yield blocking_handle(connection)
        finally:
            connection.close()
            engine.dispose()

    return opened


def asynchronous(driver: str, kind: Callable[[Any], Any], **options: Any) -> Any:
    @asynccontextmanager
    async def opened(dsn: str, **more: Any) -> AsyncIterator[Handle]:
        engine = create_async_engine(url(dsn, driver), poolclass=NullPool, **options, **more)
        connection = kind(engine)
        if isinstance(connection, AsyncConnection):
            await connection.start()
        try:
            yield async_handle(connection)
        finally:
            await connection.close()
            await engine.dispose()

    return opened


def async_scoped(engine: Any) -> Any:
    """A task's own session."""

    def made() -> AsyncSession:
        return AsyncSession(engine)

    return async_scoped_session(made, scopefunc=lambda: None)  # type: ignore[arg-type]


def route(name: str, opened: Any, *, is_async: bool) -> Route:
    @asynccontextmanager
    async def open_autocommit(dsn: str) -> AsyncIterator[Handle]:
        async with opened(dsn, isolation_level="AUTOCOMMIT") as handle:
            yield handle

    return Route(name, is_async, opened, open_autocommit)


def connect(engine: Any) -> Any:
    return engine.connect()


DECIMALS = partial(json.loads, parse_float=Decimal)
CLIENT_SIDE = {"cursor_factory": psycopg.ClientCursor}

ROUTES = (
    route("sqlalchemy-connection-psycopg", blocking("psycopg", connect), is_async=False),
    route("sqlalchemy-connection-psycopg2", blocking("psycopg2", connect), is_async=False),
    route("sqlalchemy-session-psycopg", blocking("psycopg", Session), is_async=False),
    route("sqlalchemy-session-psycopg2", blocking("psycopg2", Session), is_async=False),
    route("sqlalchemy-scoped-session", blocking("psycopg", scoped), is_async=False),
    route(
        "sqlalchemy-estranged",
        blocking("psycopg", connect, json_deserializer=DECIMALS, connect_args=CLIENT_SIDE),
        is_async=False,
    ),
    route("sqlalchemy-async-connection-psycopg", asynchronous("psycopg", connect), is_async=True),
    route("sqlalchemy-async-connection-asyncpg", asynchronous("asyncpg", connect), is_async=True),
    route("sqlalchemy-async-session-psycopg", asynchronous("psycopg", AsyncSession), is_async=True),
    route("sqlalchemy-async-session-asyncpg", asynchronous("asyncpg", AsyncSession), is_async=True),
    route("sqlalchemy-async-scoped-session", asynchronous("asyncpg", async_scoped), is_async=True),
    route(
        "sqlalchemy-async-estranged",
        asynchronous("asyncpg", connect, json_deserializer=DECIMALS),
        is_async=True,
    ),
)
