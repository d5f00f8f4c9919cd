"""Calls on asyncpg connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from pgqueue.calls.call import Call
from pgqueue.drivers.failures import translated
from pgqueue.drivers.portable import rows_read, values
from pgqueue.drivers.spelling import numbered, spell

T = TypeVar("T")


async def run(connection: Any, call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    with translated(schema):
        rows = await connection.fetch(
            spell(call.function, schema, numbered), *values(call), record_class=asyncpg.Record
        )
        return call.decode(rows_read(call.function, rows))


@asynccontextmanager
async def atomic(connection: Any) -> AsyncIterator[None]:
    """All or nothing for several calls: a savepoint of the open transaction, or one of its own.

    The savepoint is set by hand: `transaction()` refuses a transaction begun by a plain BEGIN.
    """
    if not connection.is_in_transaction():
        async with connection.transaction():
            yield
        return
    await connection.execute("savepoint pgqueue")
    try:
        yield
    except BaseException:
        await connection.execute("rollback to savepoint pgqueue; release savepoint pgqueue")
        raise
    await connection.execute("release savepoint pgqueue")
