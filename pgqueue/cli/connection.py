"""The database a command works on; it must never show a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgqueue.calls.installation import version
from pgqueue.cli.failures import CommandFailed, CommandMisused, one_line
from pgqueue.drivers.psycopg import run
from pgqueue.version import check_revision

PATIENCE_SECONDS = 10  # for a server that does not answer, unless the DSN says otherwise


def required(dsn: str | None) -> str:
    """The DSN, if there is one that libpq can read. Raises CommandMisused."""
    if not dsn:
        raise CommandMisused("where is the database? Give --dsn, or set PGQUEUE_DSN")
    readable(dsn)
    return dsn


def readable(dsn: str) -> dict[str, Any]:
    """The DSN's parts. What libpq says of one it cannot read may quote its password: not passed on."""
    try:
        return conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        pass
    raise CommandMisused(
        "the DSN cannot be read: write postgresql://user@host/database, special characters in the password"
        " percent-encoded, or `host=... dbname=...`"
    )


@contextmanager
def connected(dsn: str | None) -> Iterator["psycopg.Connection[Any]"]:
    """A connection in autocommit. Raises CommandMisused or CommandFailed in one line."""
    given = required(dsn)
    parts = {"connect_timeout": PATIENCE_SECONDS} | readable(given)
    try:
        connection = psycopg.connect(given, autocommit=True, connect_timeout=parts["connect_timeout"])
    except psycopg.OperationalError as error:
        raise CommandFailed(f"cannot connect: {hidden(one_line(str(error)), parts)}") from error
    with connection:
        yield connection


def check_fit(dsn: str | None, schema: str) -> None:
    """Refuse, naming the mend, unless what is installed there fits this package.

    Raises CommandFailed, NotInstalled or SchemaMismatch.
    """
    with connected(dsn) as connection:
        check_revision(run(connection, version(), schema).revision, schema)


def hidden(text: str, parts: dict[str, Any]) -> str:
    """The text without the DSN's password, should it stand in there."""
    password = parts.get("password")
    return text.replace(password, "***") if password else text
