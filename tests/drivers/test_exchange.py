"""Tests that a call on a connection of our own reads what the server answers now, whatever came before."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.errors import SyntaxError as SaysSyntaxError

from pgqueue.calls.call import Call, call, function
from pgqueue.drivers.exchange import run_own
from pgqueue.drivers.own import OwnConnection, options_for
from pgqueue.errors import NotInstalled

PROBE = function("probe", number="integer")
MANY = 5  # uses, more than go by before a statement is prepared


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def own(dsn: str, request: pytest.FixtureRequest) -> Iterator[OwnConnection]:
    with OwnConnection.connect(dsn, **options_for(dsn, prepare=request.param)) as connection:
        yield connection


def answer_with(connection: OwnConnection, columns: str, body: str) -> None:
    """What the function answers with from now on."""
    connection.execute("drop function if exists pgqueue.probe")
    connection.execute(
        f"create function pgqueue.probe(number integer) returns table ({columns})"
        f" language sql as $$ select {body} $$".encode()
    )


def probe(number: int) -> Call[list[tuple[Any, ...]]]:
    return call(PROBE, {"number": number}, lambda rows: [tuple(row) for row in rows])


def asked(connection: OwnConnection, number: int) -> list[tuple[Any, ...]]:
    return run_own(connection, probe(number), "pgqueue", lags=False)


@pytest.mark.parametrize("uses", [1, MANY])
def test_a_function_may_gain_a_column_under_an_open_connection(own: OwnConnection, uses: int) -> None:
    answer_with(own, "one integer", "number")
    assert [asked(own, use) for use in range(uses)] == [[(use,)] for use in range(uses)]

    answer_with(own, "one integer, two text", "number, 'new'")

    assert [asked(own, use) for use in range(MANY)] == [[(use, "new")] for use in range(MANY)]


@pytest.mark.parametrize("uses", [1, MANY])
def test_columns_may_change_their_types(own: OwnConnection, uses: int) -> None:
    answer_with(own, "one integer, two text", "number, 'text'")
    for use in range(uses):
        assert asked(own, use) == [(use, "text")]

    answer_with(own, "two text, one integer", "'text', number")

    assert [asked(own, use) for use in range(MANY)] == [[("text", use)] for use in range(MANY)]


def test_an_error_leaves_the_statement_of_use(own: OwnConnection) -> None:
    answer_with(own, "one integer", "1 / number")
    for _ in range(MANY):
        with pytest.raises(Exception, match="division by zero"):
            asked(own, 0)
        assert asked(own, 1) == [(1,)]


def test_a_function_that_is_gone_is_told(own: OwnConnection) -> None:
    with pytest.raises(NotInstalled):
        asked(own, 1)
    with pytest.raises(SaysSyntaxError):
        own.execute("no such statement")
    answer_with(own, "one integer", "number")

    assert asked(own, 1) == [(1,)]
