"""Calls on Django's database connections, in the transaction Django keeps."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from django.db import transaction

from pgqueue.calls.call import Call
from pgqueue.drivers.failures import translated
from pgqueue.drivers.spelling import percent, spell
from pgqueue.errors import UnsupportedConnection

T = TypeVar("T")


def run(connection: Any, call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    if connection.vendor != "postgresql":
        raise UnsupportedConnection(f"Django's {connection.alias!r} is {connection.vendor}, not postgresql")
    with translated(schema), connection.cursor() as cursor:
        cursor.execute(spell(call.function, schema, percent), call.values)
        return call.decode(cursor.fetchall())


def atomic(connection: Any) -> AbstractContextManager[Any]:
    """All or nothing for several calls: the open transaction, or in autocommit one of its own."""
    commits_each = connection.get_autocommit() and not connection.in_atomic_block
    return transaction.atomic(using=connection.alias) if commits_each else nullcontext()
