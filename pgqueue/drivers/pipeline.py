"""Several calls in a row on a connection of our own, the next one written while the server works on the last.

It must never be used where an error in the middle may not leave the transaction to be rolled back.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any, TypeVar

from pgqueue.calls.call import Call
from pgqueue.drivers.adapters import Form
from pgqueue.drivers.failures import translated
from pgqueue.drivers.own import OwnAsyncConnection, OwnConnection
from pgqueue.drivers.psycopg import AsyncCursor, Cursor
from pgqueue.drivers.spelling import marked, spell
from pgqueue.drivers.wire import writers, written

T = TypeVar("T")

IN_FLIGHT = 2  # statements sent ahead of their answers: the server is busy while we write the next


def run_each(connection: OwnConnection, calls: Iterable[Call[T]], schema: str) -> list[T]:
    """Run the calls one after the other, preparing the next while the server works on the last."""
    results: list[T] = []
    under_way: deque[tuple[Call[T], Cursor]] = deque()
    with translated(schema), connection.pipeline() as pipeline:
        for call in calls:
            cursor = Cursor(connection)
            cursor.execute(*spelled(call, schema))
            under_way.append((call, cursor))
            if len(under_way) > IN_FLIGHT:
                results.append(answer(*under_way.popleft()))
        pipeline.sync()  # with the last call, not after its answer: a round trip less, and it is committed
        results.extend(answer(*under_way.popleft()) for _ in range(len(under_way)))
    return results


async def run_each_async(connection: OwnAsyncConnection, calls: Iterable[Call[T]], schema: str) -> list[T]:
    """Run the calls one after the other, preparing the next while the server works on the last."""
    results: list[T] = []
    under_way: deque[tuple[Call[T], AsyncCursor]] = deque()
    with translated(schema):
        async with connection.pipeline() as pipeline:
            for call in calls:
                cursor = AsyncCursor(connection)
                await cursor.execute(*spelled(call, schema))
                under_way.append((call, cursor))
                if len(under_way) > IN_FLIGHT:
                    results.append(await answer_async(*under_way.popleft()))
            await pipeline.sync()  # see above
            while under_way:
                results.append(await answer_async(*under_way.popleft()))
    return results


def spelled(call: Call[Any], schema: str) -> tuple[bytes, list[Form | None]]:
    """The statement of a call, and its values."""
    forms = written(writers(call.function), call.values)
    values = [None if form is None else Form(form) for form in forms]
    return spell(call.function, schema, marked).encode(), values


def answer(call: Call[T], cursor: Cursor) -> T:
    """What the call came to."""
    with cursor:
        return call.decode(cursor.fetchall())


async def answer_async(call: Call[T], cursor: AsyncCursor) -> T:
    """What the call came to."""
    async with cursor:
        return call.decode(await cursor.fetchall())
