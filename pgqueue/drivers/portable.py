"""Values in forms that mean the same through every library, whatever its user has set up.

A user may have told asyncpg to read `interval` as something else, or Django to
keep times naive. So what such a setting could touch travels as text or as seconds.
It must never depend on the session's time zone, DateStyle or IntervalStyle.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pgqueue.calls.call import Call, Function, Row

AS_TEXT = frozenset({"jsonb", "timestamptz", "interval", "uuid"})
COLUMNS = {
    "timestamptz": "extract(epoch from {})::double precision",
    "interval": "extract(epoch from {})::double precision",
    "jsonb": "{}::text",
}


def parameter_type(sql_type: str) -> str:
    """The cast or casts that take our form of a value to this type."""
    element = sql_type.removesuffix("[]")
    return f"text{sql_type.removeprefix(element)}::{sql_type}" if element in AS_TEXT else sql_type


def column(name: str, sql_type: str) -> str:
    """How this column of an answer is selected."""
    return COLUMNS.get(sql_type, "{}").format(name)


def values(call: Call[Any]) -> tuple[Any, ...]:
    """The call's values in our forms."""
    return tuple(written(value) for value in call.values)


def written(value: Any) -> Any:
    """One value, or a list of them, in our form."""
    if isinstance(value, list):
        return [written(element) for element in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return f"{value.days * 86_400 + value.seconds} seconds {value.microseconds} microseconds"
    return str(value) if isinstance(value, UUID) else value


def rows_read(function: Function, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of an answer with moments and durations as Python's own."""
    readers = [READERS.get(sql_type) for _, sql_type in function.answer]
    if not any(readers):
        return rows
    return [
        tuple(
            value if reader is None or value is None else reader(value)
            for reader, value in zip(readers, row, strict=True)
        )
        for row in rows
    ]


def moment(seconds: float) -> datetime:
    """The moment so many seconds after 1970, UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def duration(seconds: float) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=seconds)


READERS: dict[str, Callable[[float], Any]] = {"timestamptz": moment, "interval": duration}
