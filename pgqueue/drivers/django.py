"""Calls on Django's database connections, in the transaction Django keeps."""

from contextlib import AbstractContextManager
from typing import Any, TypeVar

from django.db import transaction

from pgqueue.calls.call import Call
from pgqueue.drivers.failures import translated
from pgqueue.drivers.portable import rows_read, values
from pgqueue.drivers.spelling import percent, spell
from pgqueue.errors import UnsupportedConnection

T = TypeVar("T")


def run(connection: Any, call: Call[T], schema: str) -> T:
    """Run the call in the connection's transaction."""
    if connection.vendor != "postgresql":
        raise UnsupportedConnection(
            f"Django's connection {connection.alias!r} is to {connection.vendor}: "
            "give one whose ENGINE is django.db.backends.postgresql"
        )
    with translated(schema), connection.cursor() as cursor:
        cursor.execute(spell(call.function, schema, percent), values(call))
        return call.decode(rows_read(call.function, cursor.fetchall()))


def atomic(connection: Any) -> AbstractContextManager[Any]:
    """All or nothing for several calls: a savepoint of the open transaction, or one of its own."""
    block: AbstractContextManager[Any] = transaction.atomic(using=connection.alias)
    return block
