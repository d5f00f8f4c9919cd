"""Asks the questions of sql/doctor one by one; one that fails is a finding, and the others are asked."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pgqueue.assets import sql_files
from pgqueue.doctor.finding import Finding
from pgqueue.doctor.horizon import holders
from pgqueue.doctor.house import bloat, partitions, workers
from pgqueue.doctor.schema import fit
from pgqueue.doctor.server import clock, connections, session, settings
from pgqueue.migrate import Status, for_schema

Connection = psycopg.Connection[Any]
Rows = Sequence[dict[str, Any]]
Judge = Callable[[Rows], Iterable[Finding]]


def examine(connection: Connection, status: Status, *, schema: str, longest: timedelta) -> Iterator[Finding]:
    """All findings, as they are made. The connection is in autocommit.

    longest: how long a transaction may stay open before it is a problem.
    """
    yield fit(status)
    yield from asked(connection, "session", schema, lambda rows: session(connection.info.backend_pid, rows))
    yield from asked(connection, "settings", schema, settings)
    yield from asked(connection, "connections", schema, connections)
    yield from asked(connection, "horizon", schema, lambda rows: holders(rows, longest))
    if status.installed is not None:
        yield from asked(connection, "partitions", schema, partitions)
        yield from asked(connection, "bloat", schema, bloat)
        yield from asked(connection, "workers", schema, workers)
    yield clock(*clocks(connection))


def asked(connection: Connection, name: str, schema: str, judge: Judge) -> Iterator[Finding]:
    """What comes of one question. One that cannot be answered is a problem of its own."""
    try:
        rows = answer(connection, name, schema)
    except psycopg.OperationalError:
        if connection.closed:
            raise
        yield Finding(name, "problem", "no answer within 10 s", "Ask again when the server has less to do.")
    except psycopg.errors.InsufficientPrivilege as error:
        yield Finding(
            name, "problem", f"cannot be looked at: {error.diag.message_primary}",
            f"Run it as a member of {schema}_admin.",
        )  # fmt: skip
    except psycopg.ProgrammingError as error:
        yield Finding(
            name, "problem", f"cannot be looked at: {error.diag.message_primary}",
            "The schema is not this package's: run `pgqueue migrate`, then look again.",
        )  # fmt: skip
    else:
        yield from judge(rows)


def answer(connection: Connection, name: str, schema: str) -> Rows:
    """The rows of one question, asked with bounded patience."""
    with connection.transaction():
        connection.execute(question("guard", schema))
        return connection.cursor(row_factory=dict_row).execute(question(name, schema)).fetchall()


def clocks(connection: Connection) -> tuple[timedelta, timedelta]:
    """How far the server's clock is ahead of ours, and half of what the question took."""
    before, started = datetime.now(UTC), time.monotonic()
    (row,) = answer(connection, "session", "pgqueue")
    half = timedelta(seconds=time.monotonic() - started) / 2
    return row["now"] - (before + half), half


@cache
def question(name: str, schema: str) -> bytes:
    """A file of sql/doctor, for an installation in this schema."""
    return for_schema(dict(sql_files("doctor"))[name], schema).encode()
