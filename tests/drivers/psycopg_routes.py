"""psycopg, blocking and async: as it comes, and as far from it as its users take it."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader

from tests.drivers.route import Handle, Route, made_async, nothing


@asynccontextmanager
async def blocking(dsn: str, **options: Any) -> AsyncIterator[Handle]:
    with psycopg.connect(dsn, **options) as connection:
        yield Handle(
            connection,
            nothing,
            connection.commit,
            connection.rollback,
            made_async(partial(connection.transaction, force_rollback=True)),
        )


@asynccontextmanager
async def asynchronous(dsn: str, **options: Any) -> AsyncIterator[Handle]:
    async with await psycopg.AsyncConnection.connect(dsn, **options) as connection:

        @asynccontextmanager
        async def savepoint() -> AsyncIterator[None]:
            async with connection.transaction(force_rollback=True):
                yield

        yield Handle(connection, nothing, connection.commit, connection.rollback, savepoint)


def estrange(connection: object) -> None:
    """Read JSON, moments and durations in a user's own way."""
    assert isinstance(connection, psycopg.Connection | psycopg.AsyncConnection)
    set_json_loads(partial(json.loads, parse_float=Decimal), connection)
    for sql_type in ("jsonb", "timestamptz", "interval", "int8", "text"):
        connection.adapters.register_loader(sql_type, TextLoader)


@asynccontextmanager
async def estranged_blocking(dsn: str, **options: Any) -> AsyncIterator[Handle]:
    strange: Any = {
        "row_factory": dict_row,
        "cursor_factory": psycopg.ClientCursor,
        "prepare_threshold": None,
        "options": "-c timezone=Pacific/Chatham -c intervalstyle=iso_8601 -c datestyle=german",
    }
    async with blocking(dsn, **strange, **options) as handle:
        estrange(handle.connection)
        yield handle


@asynccontextmanager
async def estranged_async(dsn: str, **options: Any) -> AsyncIterator[Handle]:
    strange: Any = {
        "row_factory": dict_row,
        "cursor_factory": psycopg.AsyncClientCursor,
        "prepare_threshold": 0,
        "options": "-c timezone=America/St_Johns -c intervalstyle=sql_standard -c datestyle=sql",
    }
    async with asynchronous(dsn, **strange, **options) as handle:
        estrange(handle.connection)
        yield handle


def route(name: str, opened: Any, *, is_async: bool) -> Route:
    def autocommit(dsn: str) -> AbstractAsyncContextManager[Handle]:
        handle: AbstractAsyncContextManager[Handle] = opened(dsn, autocommit=True)
        return handle

    return Route(name, is_async, opened, autocommit)


ROUTES = (
    route("psycopg", blocking, is_async=False),
    route("psycopg-estranged", estranged_blocking, is_async=False),
    route("psycopg-async", asynchronous, is_async=True),
    route("psycopg-async-estranged", estranged_async, is_async=True),
)
