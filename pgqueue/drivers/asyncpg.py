"""Calls on asyncpg connections."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

from pgqueue.calls.call import Call
from pgqueue.drivers.failures import translated
from pgqueue.drivers.spelling import numbered, spell

T = TypeVar("T")


async def run(connection: Any, call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    with translated(schema):
        return call.decode(await connection.fetch(spell(call.function, schema, numbered), *call.values))


def atomic(connection: Any) -> AbstractAsyncContextManager[Any]:
    """All or nothing for several calls: the open transaction, or one of its own."""
    transaction: AbstractAsyncContextManager[Any] = connection.transaction()
    return nullcontext() if connection.is_in_transaction() else transaction
