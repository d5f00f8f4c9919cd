"""Values in PostgreSQL's binary forms, by the SQL type of a parameter: what a library's adapters would find
out anew for every value of every call. It must never guess: a value that does not fit its type is refused.

The forms are those of the types' `recv` functions; integers are in network order (PostgreSQL's manual,
"Message Data Types", and array_recv in arrayfuncs.c for arrays).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from struct import Struct, error
from typing import Any, NoReturn

from psycopg.errors import DataError, NumericValueOutOfRange

from pgqueue.calls.call import Function

Encoder = Callable[[Any], bytes]
Writer = tuple[str, str, Encoder]
"""A parameter: its name, its SQL type, and how it is written."""

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
INTERVAL = Struct("!qii")  # microseconds, days, months
LENGTH = Struct("!i")
NULL = LENGTH.pack(-1)
ARRAY = Struct(
    "!iiIii"
)  # dimensions, whether there are nulls, the elements' type, how many, the first's number
EMPTY = Struct("!iiI")
JSONB_VERSION = b"\x01"


def jsonb(text: str) -> bytes:
    """JSON text."""
    return JSONB_VERSION + text.encode()


def interval(elapsed: timedelta) -> bytes:
    """Without days: a day would be 23 or 25 hours where the session's clocks change."""
    return INTERVAL.pack(elapsed // MICROSECOND, 0, 0)


def moment(at: datetime) -> bytes:
    """Microseconds since 2000."""
    return INTEGERS["bigint"].pack((at - EPOCH) // MICROSECOND)


INTEGERS = {"smallint": Struct("!h"), "integer": Struct("!i"), "bigint": Struct("!q")}
SCALARS: dict[str, tuple[int, Encoder]] = {
    "boolean": (16, Struct("!?").pack),
    "bigint": (20, INTEGERS["bigint"].pack),
    "smallint": (21, INTEGERS["smallint"].pack),
    "integer": (23, INTEGERS["integer"].pack),
    "text": (25, str.encode),
    "real": (700, Struct("!f").pack),
    "double precision": (701, Struct("!d").pack),
    "timestamptz": (1184, moment),
    "interval": (1186, interval),
    "uuid": (2950, lambda value: value.bytes),
    "jsonb": (3802, jsonb),
}
"""By SQL type: its number in pg_type.dat, and how a value is written."""


@lru_cache(maxsize=1024)
def writers(function: Function) -> list[Writer]:
    """What writes the parameters of this function."""
    return [(name, sql_type, encoder(sql_type)) for name, sql_type in function.parameters]


def written(parameters: Sequence[Writer], values: Sequence[Any]) -> list[bytes | None]:
    """The values of a call, in the order of its parameters. Raises DataError for one that does not fit."""
    forms: list[bytes | None] = []
    for (name, sql_type, write), value in zip(parameters, values, strict=True):
        try:
            forms.append(None if value is None else write(value))
        except (TypeError, AttributeError, OverflowError, error) as reason:
            refuse(name, sql_type, value, reason)
    return forms


def encoder(sql_type: str) -> Encoder:
    """What writes a value of this type, a list of them where it ends in []."""
    element = sql_type.removesuffix("[]")
    number, write = SCALARS[element]
    if element == sql_type:
        return write
    return lambda values: array(values, number, write)


def array(values: Sequence[Any], number: int, write: Encoder) -> bytes:
    """An array of one dimension."""
    if not values:
        return EMPTY.pack(0, 0, number)
    if None in values:
        parts = [NULL if value is None else measured(write(value)) for value in values]
        return ARRAY.pack(1, 1, number, len(values), 1) + b"".join(parts)
    forms = list(map(write, values))
    lengths = map(LENGTH.pack, map(len, forms))
    elements = chain.from_iterable(zip(lengths, forms, strict=True))
    return ARRAY.pack(1, 0, number, len(values), 1) + b"".join(elements)


def measured(element: bytes) -> bytes:
    """An element of an array, after its length."""
    return LENGTH.pack(len(element)) + element


def refuse(name: str, sql_type: str, value: object, cause: Exception) -> NoReturn:
    """Say which value does not fit; long ones are cut off."""
    shown = repr(value)
    shown = shown if len(shown) <= 100 else shown[:100] + "..."
    is_number = isinstance(value, int) and isinstance(cause, (error, OverflowError))
    kind = NumericValueOutOfRange if is_number else DataError
    raise kind(f"{name} {shown} is no {sql_type} that PostgreSQL can hold") from cause
