"""asyncpg: a connection, one acquired from a pool, and one whose user reads types in a way of their own."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.drivers.route import Handle, Route, nothing


class Transactions:
    """What its user does by hand: begin, commit, roll back."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.open: Any = None

    async def begin(self) -> None:
        self.open = self.connection.transaction()
        await self.open.start()

    async def commit(self) -> None:
        await self.open.commit()

    async def rollback(self) -> None:
        await self.open.rollback()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        nested = self.connection.transaction()
        await nested.start()
        yield
        await nested.rollback()


class StatementTransactions(Transactions):
    """The same in plain SQL, behind asyncpg's back."""

    async def begin(self) -> None:
        await self.connection.execute("begin")

    async def commit(self) -> None:
        await self.connection.execute("commit")

    async def rollback(self) -> None:
        await self.connection.execute("rollback")

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        await self.connection.execute("savepoint theirs")
        yield
        await self.connection.execute("rollback to savepoint theirs")


def handle(connection: Any, kind: type[Transactions] = Transactions) -> Handle:
    transactions = kind(connection)
    return Handle(
        connection, transactions.begin, transactions.commit, transactions.rollback, transactions.savepoint
    )


def autocommit(connection: Any) -> Handle:
    return Handle(connection, nothing, nothing, nothing, Transactions(connection).savepoint)


@asynccontextmanager
async def connected(dsn: str, **options: Any) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn, **options)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def acquired(dsn: str) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        yield connection


class Named(asyncpg.Record):
    """A user's own kind of row: read by name alone."""

    def __getitem__(self, key: Any) -> Any:
        assert isinstance(key, str), "read by its place"
        return super().__getitem__(key)


@asynccontextmanager
async def estranged(dsn: str) -> AsyncIterator[Any]:
    settings = {"timezone": "Pacific/Chatham", "intervalstyle": "iso_8601", "datestyle": "german"}
    async with connected(
        dsn, record_class=Named, statement_cache_size=0, server_settings=settings
    ) as connection:
        for sql_type in ("json", "jsonb"):
            await connection.set_type_codec(
                sql_type, schema="pg_catalog", encoder=json.dumps, decoder=json.loads
            )
        for sql_type in ("timestamptz", "interval", "uuid"):
            await connection.set_type_codec(
                sql_type, schema="pg_catalog", encoder=lambda value: value.theirs(), decoder=str
            )
        yield connection


def route(name: str, opened: Any, kind: type[Transactions] = Transactions) -> Route:
    @asynccontextmanager
    async def open_handle(dsn: str) -> AsyncIterator[Handle]:
        async with opened(dsn) as connection:
            yield handle(connection, kind)

    @asynccontextmanager
    async def open_autocommit(dsn: str) -> AsyncIterator[Handle]:
        async with opened(dsn) as connection:
            yield autocommit(connection)

    return Route(name, is_async=True, opened=open_handle, opened_autocommit=open_autocommit)


ROUTES = (
    route("asyncpg", connected),
    route("asyncpg-pool", acquired),
    route("asyncpg-begin", connected, StatementTransactions),
    route("asyncpg-estranged", estranged),
)
