"""Calls on psycopg connections, blocking and async."""

from collections import deque
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from pgqueue.calls.call import Call
from pgqueue.drivers.failures import translated
from pgqueue.drivers.spelling import binary_lists, spell

T = TypeVar("T")

IN_FLIGHT = 2  # statements sent ahead of their answers: the server is busy while we write the next


def run(connection: "psycopg.Connection[Any]", call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    with translated(schema), connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        cursor.execute(spell(call.function, schema, binary_lists).encode(), call.values)
        return call.decode(cursor.fetchall())


async def run_async(connection: "psycopg.AsyncConnection[Any]", call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    with translated(schema):
        async with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            await cursor.execute(spell(call.function, schema, binary_lists).encode(), call.values)
            return call.decode(await cursor.fetchall())


def atomic(connection: "psycopg.Connection[Any]") -> AbstractContextManager[Any]:
    """All or nothing for several calls: the open transaction, or in autocommit one of its own."""
    return connection.transaction() if commits_each(connection) else nullcontext()


def atomic_async(connection: "psycopg.AsyncConnection[Any]") -> AbstractAsyncContextManager[Any]:
    """All or nothing for several calls: the open transaction, or in autocommit one of its own."""
    return connection.transaction() if commits_each(connection) else nullcontext()


def commits_each(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """Whether each statement would commit alone."""
    return connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE


def run_each(connection: "psycopg.Connection[Any]", calls: Iterable[Call[T]], schema: str) -> list[T]:
    """Run the calls one after the other, preparing the next while the server works on the last."""
    results: list[T] = []
    under_way: deque[tuple[Call[T], psycopg.Cursor[Any]]] = deque()
    with translated(schema), connection.pipeline():
        for call in calls:
            cursor = connection.cursor(row_factory=tuple_row, binary=True)
            cursor.execute(spell(call.function, schema, binary_lists).encode(), call.values)
            under_way.append((call, cursor))
            if len(under_way) > IN_FLIGHT:
                results.append(answer(*under_way.popleft()))
        results.extend(answer(*under_way.popleft()) for _ in range(len(under_way)))
    return results


async def run_each_async(
    connection: "psycopg.AsyncConnection[Any]", calls: Iterable[Call[T]], schema: str
) -> list[T]:
    """Run the calls one after the other, preparing the next while the server works on the last."""
    results: list[T] = []
    under_way: deque[tuple[Call[T], psycopg.AsyncCursor[Any]]] = deque()
    with translated(schema):
        async with connection.pipeline():
            for call in calls:
                cursor = connection.cursor(row_factory=tuple_row, binary=True)
                await cursor.execute(spell(call.function, schema, binary_lists).encode(), call.values)
                under_way.append((call, cursor))
                if len(under_way) > IN_FLIGHT:
                    results.append(await answer_async(*under_way.popleft()))
            while under_way:
                results.append(await answer_async(*under_way.popleft()))
    return results


def answer(call: Call[T], cursor: "psycopg.Cursor[Any]") -> T:
    """What the call came to."""
    with cursor:
        return call.decode(cursor.fetchall())


async def answer_async(call: Call[T], cursor: "psycopg.AsyncCursor[Any]") -> T:
    """What the call came to."""
    async with cursor:
        return call.decode(await cursor.fetchall())
