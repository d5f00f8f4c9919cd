"""Where calls go: the caller's connection if one is given, else a pool of our own.

It must never end a transaction it did not begin.
"""

from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import chain, islice
from typing import Any, TypeVar
from uuid import UUID

from pgqueue.calls.call import Call
from pgqueue.calls.installation import installation_id
from pgqueue.drivers import choose, exchange, pipeline
from pgqueue.drivers.own import OwnAsyncConnection, OwnConnection
from pgqueue.drivers.pool import AsyncPool, Pool
from pgqueue.errors import UnsupportedConnection
from pgqueue.settings import CONNECTION_TIMEOUT, SCHEMA

T = TypeVar("T")

LEASES = frozenset({"claim_pieces", "extend"})
"""What always may lag behind the disk: a lease lost in a crash of the server is one that ran out."""
FINISHES = frozenset({"finish", "finish_all"})
"""What may lag where finishes need not be durable: lost in a crash of the server, it
runs jobs again. `finish` waits all the same where a job dies."""


class Database:
    """One installation of pgqueue, reached from blocking code.

    dsn: where our own connections go; None if every call brings a connection.
    pool_size: how many connections of our own at most; none is opened before the first need.
    prepare: whether to prepare statements; behind a pooler none are in any case.
    durable_finishes: False if finishes on our own connections need not wait for the disk; claims never do.
    connection_timeout: how long a call waits for a connection of our own before it raises NoConnection.
    """

    def __init__(
        self,
        dsn: str | None,
        *,
        schema: str = SCHEMA,
        pool_size: int = 4,
        prepare: bool = True,
        durable_finishes: bool = True,
        connection_timeout: timedelta = CONNECTION_TIMEOUT,
    ) -> None:
        self.schema = schema
        self._lagging = LEASES if durable_finishes else LEASES | FINISHES
        self._installation: UUID | None = None
        self._pool: Pool | None = None
        if dsn is not None:
            self._pool = Pool(dsn, size=pool_size, prepare=prepare, patience=connection_timeout)

    def run(self, call: Call[T], connection: object | None = None) -> T:
        """Run one call: in the connection's transaction if one is given, else in one of its own."""
        if connection is not None:
            result: T = choose.blocking(connection).run(connection, call, self.schema)
            return result
        with self.connection() as own:
            lags = call.function.name in self._lagging
            return exchange.run_own(own, call, self.schema, lags=lags)

    def run_each(self, calls: Iterable[Call[T]], connection: object | None = None) -> list[T]:
        """Run the calls one after the other, all or nothing; a single one is that by itself."""
        coming = iter(calls)
        first = list(islice(coming, 2))
        if len(first) < 2:
            return [self.run(call, connection) for call in first]
        every = chain(first, coming)
        if connection is not None:
            chosen = choose.blocking(connection)
            with chosen.atomic(connection):
                return [chosen.run(connection, call, self.schema) for call in every]
        with self.connection() as own:
            return pipeline.run_each(own, every, self.schema)

    @contextmanager
    def connection(self) -> Iterator[OwnConnection]:
        """A connection of our own, in autocommit; back in the pool at the end. Raises NoConnection."""
        if self._pool is None:
            raise no_dsn()
        with self._pool.connection() as connection:
            yield connection

    def run_script(self, script: Generator[Call[Any], Any, T]) -> T:
        """Run the calls a script yields, each in a transaction of its own, and return what it returns."""
        answer = None
        while True:
            try:
                call = script.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            answer = self.run(call)

    def expected_installation(self, connection: object | None) -> UUID | None:
        """The installation a caller's connection must lead to: that of our own DSN, looked up once.

        None where there is nothing to compare: no connection given, or no DSN of our own.
        Raises UnsupportedConnection before anything is asked.
        """
        if connection is None:
            return None
        choose.blocking(connection)
        if self._pool is None:
            return None
        if self._installation is None:
            self._installation = self.run(installation_id())
        return self._installation

    def close(self) -> None:
        """Close our own connections. Closing twice does no harm."""
        if self._pool is not None:
            self._pool.close()


class AsyncDatabase:
    """One installation of pgqueue, reached from async code. See `Database`."""

    def __init__(
        self,
        dsn: str | None,
        *,
        schema: str = SCHEMA,
        pool_size: int = 4,
        prepare: bool = True,
        durable_finishes: bool = True,
        connection_timeout: timedelta = CONNECTION_TIMEOUT,
    ) -> None:
        self.schema = schema
        self._lagging = LEASES if durable_finishes else LEASES | FINISHES
        self._installation: UUID | None = None
        self._pool: AsyncPool | None = None
        if dsn is not None:
            self._pool = AsyncPool(dsn, size=pool_size, prepare=prepare, patience=connection_timeout)

    async def run(self, call: Call[T], connection: object | None = None) -> T:
        """Run one call: in the connection's transaction if one is given, else in one of its own."""
        if connection is not None:
            result: T = await choose.asynchronous(connection).run(connection, call, self.schema)
            return result
        async with self.connection() as own:
            lags = call.function.name in self._lagging
            return await exchange.run_own_async(own, call, self.schema, lags=lags)

    async def run_each(self, calls: Iterable[Call[T]], connection: object | None = None) -> list[T]:
        """Run the calls one after the other, all or nothing; a single one is that by itself."""
        coming = iter(calls)
        first = list(islice(coming, 2))
        if len(first) < 2:
            return [await self.run(call, connection) for call in first]
        every = chain(first, coming)
        if connection is not None:
            chosen = choose.asynchronous(connection)
            async with chosen.atomic(connection):
                return [await chosen.run(connection, call, self.schema) for call in every]
        async with self.connection() as own:
            return await pipeline.run_each_async(own, every, self.schema)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[OwnAsyncConnection]:
        """A connection of our own, in autocommit; back in the pool at the end. Raises NoConnection."""
        if self._pool is None:
            raise no_dsn()
        async with self._pool.connection() as connection:
            yield connection

    async def run_script(self, script: Generator[Call[Any], Any, T]) -> T:
        """Run the calls a script yields. See `Database`."""
        answer = None
        while True:
            try:
                call = script.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            answer = await self.run(call)

    async def expected_installation(self, connection: object | None) -> UUID | None:
        """The installation a caller's connection must lead to. See `Database`."""
        if connection is None:
            return None
        choose.asynchronous(connection)
        if self._pool is None:
            return None
        if self._installation is None:
            self._installation = await self.run(installation_id())
        return self._installation

    async def close(self) -> None:
        """Close our own connections. Closing twice does no harm."""
        if self._pool is not None:
            await self._pool.close()


def no_dsn() -> UnsupportedConnection:
    """The error of a client that was given neither a DSN nor a connection."""
    return UnsupportedConnection("this client has no DSN of its own: pass connection=, or make it with a DSN")
