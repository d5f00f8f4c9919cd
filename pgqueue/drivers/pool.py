"""Pools of our own connections, which say why there is none to be had and hand out none that has died.

They must never make a caller wait longer than told, nor keep a dead connection.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from pgqueue.drivers.advice import UNKNOWN_FATE, add_advice
from pgqueue.drivers.own import OwnAsyncConnection, OwnConnection, Trouble, has_died, options_for
from pgqueue.errors import NoConnection

# The pool's pauses between attempts to connect double without end. So it gives up early,
# and whoever still waits makes it begin again.
ASK_SECONDS = 5.0
RETRY_SECONDS = 4.0


class Pool:
    """Connections for blocking code, opened at need.

    size: how many at most. patience: how long to wait for one.
    """

    def __init__(self, dsn: str, *, size: int, prepare: bool, patience: timedelta) -> None:
        self._size = size
        self._patience_seconds = patience.total_seconds()
        self._trouble = Trouble()
        self._pool: ConnectionPool[OwnConnection] = ConnectionPool(
            dsn,
            connection_class=OwnConnection,
            min_size=0,
            max_size=size,
            open=False,
            reconnect_timeout=RETRY_SECONDS,
            kwargs={**options_for(dsn, prepare=prepare), "trouble": self._trouble},
        )

    @contextmanager
    def connection(self) -> Iterator[OwnConnection]:
        """A connection in autocommit, back in the pool at the end. Raises NoConnection."""
        self._pool.open()
        connection = self._take()
        try:
            yield connection
        except Exception as error:
            if connection.closed:
                add_advice(error, UNKNOWN_FATE)
            raise
        finally:
            self._pool.putconn(connection)

    def close(self) -> None:
        """Close them all. Closing twice does no harm."""
        self._pool.close()

    def _take(self) -> OwnConnection:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            # Not pool.connection(): it would commit, and that costs a tenth of a short call.
            try:
                connection = self._pool.getconn(timeout=turn_seconds(deadline))
            except PoolTimeout as error:
                if time.monotonic() < deadline:
                    continue
                none = no_connection(self._patience_seconds, self._size, self._trouble)
                raise none from self._trouble.last or error
            if not has_died(connection):
                return connection
            self._pool.putconn(connection)


class AsyncPool:
    """Connections for async code. See `Pool`."""

    def __init__(self, dsn: str, *, size: int, prepare: bool, patience: timedelta) -> None:
        self._size = size
        self._patience_seconds = patience.total_seconds()
        self._trouble = Trouble()
        self._pool: AsyncConnectionPool[OwnAsyncConnection] = AsyncConnectionPool(
            dsn,
            connection_class=OwnAsyncConnection,
            min_size=0,
            max_size=size,
            open=False,
            reconnect_timeout=RETRY_SECONDS,
            kwargs={**options_for(dsn, prepare=prepare), "trouble": self._trouble},
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[OwnAsyncConnection]:
        """A connection in autocommit, back in the pool at the end. Raises NoConnection."""
        await self._pool.open()
        connection = await self._take()
        try:
            yield connection
        except Exception as error:
            if connection.closed:
                add_advice(error, UNKNOWN_FATE)
            raise
        finally:
            await self._pool.putconn(connection)

    async def close(self) -> None:
        """Close them all. Closing twice does no harm."""
        await self._pool.close()

    async def _take(self) -> OwnAsyncConnection:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                connection = await self._pool.getconn(timeout=turn_seconds(deadline))
            except PoolTimeout as error:
                if time.monotonic() < deadline:
                    continue
                none = no_connection(self._patience_seconds, self._size, self._trouble)
                raise none from self._trouble.last or error
            if not has_died(connection):
                return connection
            await self._pool.putconn(connection)


def turn_seconds(deadline: float) -> float:
    """How long to ask the pool this time."""
    return max(min(ASK_SECONDS, deadline - time.monotonic()), 0.001)


def no_connection(seconds: float, size: int, trouble: Trouble) -> NoConnection:
    """The error for a wait that ended without a connection."""
    if trouble.last is None and not trouble.tries:
        return NoConnection(
            f"no connection was free for {seconds:g} s: all {size} of this client's (pool_size) were in use; "
            "give it more, use it from fewer threads or tasks at once, or wait longer (connection_timeout)"
        )
    words = " ".join(str(trouble.last or "an attempt to connect has not been answered").split())
    return NoConnection(
        f"no connection could be made for {seconds:g} s (pool_size {size}): {words}. Nothing was done: see "
        "that the server runs and takes connections (max_connections, the role's limit), then repeat the call"
    )
