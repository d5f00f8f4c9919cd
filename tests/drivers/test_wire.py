"""Each type's binary form says the same to the server as psycopg's own adapters do."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.adapt import Dumper
from psycopg.pq import Format

from pgqueue.calls.call import function
from pgqueue.drivers.wire import SCALARS, encoder, refuse, writers, written

MOMENTS = [
    datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=-7))),
    datetime(9999, 12, 31, tzinfo=UTC),
]
VALUES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "smallint": [-(2**15), 0, 2**15 - 1],
    "integer": [-(2**31), -1, 2**31 - 1],
    "bigint": [-(2**63), 1, 2**63 - 1],
    "text": ["", "plain", "naïve ✓ 🐘", "a\tb\n'\"\\"],
    "real": [0.0, -1.5, math.inf],
    "double precision": [0.1, -1e300, math.inf],
    "timestamptz": MOMENTS,
    "uuid": [UUID(int=0), UUID("12345678-1234-5678-1234-567812345678")],
    "jsonb": ["{}", '{"a": [1, null, "ü"]}', "null"],
}
ELAPSED = [timedelta(0), timedelta(days=400, microseconds=1), timedelta(seconds=-1)]
ONE = function("any_function", number="integer", text="text", at="timestamptz")


@pytest.fixture(scope="module")
def connection(home: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(home, autocommit=True) as opened:
        yield opened


class Form(bytes):
    """A value in its binary form already."""


class AsItIs(Dumper):
    """Sends a form; the statement says of which type it is."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Form) -> Form:
        """The form."""
        return obj


def asked(connection: "psycopg.Connection[Any]", expression: str, form: bytes) -> Any:
    """What the server makes of this form."""
    connection.adapters.register_dumper(Form, AsItIs)
    row = connection.execute(f"select {expression}".encode(), (Form(form),), binary=True).fetchone()
    return row and row[0]


def adapted(connection: "psycopg.Connection[Any]", sql_type: str, value: Any) -> Any:
    """The text of the value as psycopg's own adapters tell it."""
    row = connection.execute(f"select %s::{sql_type}::text".encode(), (value,)).fetchone()
    return row and row[0]


def test_every_type_has_values_to_be_tried() -> None:
    assert VALUES.keys() | {"interval"} == SCALARS.keys()


@pytest.mark.parametrize(("sql_type", "value"), [(name, value) for name in VALUES for value in VALUES[name]])
def test_a_form_says_what_the_value_is(
    connection: "psycopg.Connection[Any]", sql_type: str, value: Any
) -> None:
    found = asked(connection, f"%b::{sql_type}::text", encoder(sql_type)(value))

    assert found == adapted(connection, sql_type, value)


@pytest.mark.parametrize(
    "elapsed", [timedelta(0), timedelta(days=400, microseconds=1), timedelta(seconds=-1)]
)
def test_an_interval_has_no_days(connection: "psycopg.Connection[Any]", elapsed: timedelta) -> None:
    found = asked(connection, "extract(epoch from justify_hours(%b::interval))", encoder("interval")(elapsed))
    days = asked(connection, "extract(day from %b::interval)", encoder("interval")(elapsed))

    assert (float(found), days) == (elapsed.total_seconds(), 0)


@pytest.mark.parametrize("sql_type", VALUES)
def test_a_list_is_an_array_of_them(connection: "psycopg.Connection[Any]", sql_type: str) -> None:
    values = VALUES[sql_type]

    full = asked(connection, f"%b::{sql_type}[]::text[]", encoder(f"{sql_type}[]")(values))
    holed = asked(connection, f"%b::{sql_type}[]::text[]", encoder(f"{sql_type}[]")([None, *values]))
    empty = asked(connection, f"%b::{sql_type}[] = '{{}}'", encoder(f"{sql_type}[]")([]))

    assert full == [adapted(connection, sql_type, value) for value in values]
    assert holed == [None, *full]
    assert empty is True


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**70])
def test_a_number_out_of_range_is_named(value: int) -> None:
    with pytest.raises(psycopg.errors.NumericValueOutOfRange, match=f"number {value} is no integer"):
        written(writers(ONE), (value, "text", None))


@pytest.mark.parametrize(("number", "text", "at"), [("1", "text", None), (1, 2, None), (1, "text", "today")])
def test_a_value_of_another_type_is_refused(number: Any, text: Any, at: Any) -> None:
    with pytest.raises(psycopg.DataError, match="that PostgreSQL can hold"):
        written(writers(ONE), (number, text, at))


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(psycopg.DataError, match=r"at datetime.* is no timestamptz"):
        written(writers(ONE), (1, "text", datetime(2026, 1, 1)))  # noqa: DTZ001 - that is the point


def test_a_long_value_is_cut_off_where_it_is_named() -> None:
    with pytest.raises(psycopg.DataError) as raised:
        refuse("text", "text", ["x" * 1_000], TypeError())

    assert len(str(raised.value)) < 200
