"""Tests that mistakes end in one line and an exit code, and never show a password."""

import psycopg
import pytest

from pgqueue.cli.connection import hidden, required
from pgqueue.cli.failures import CommandMisused, told
from pgqueue.errors import UnknownJob
from tests.cli.conftest import Run

NEED_A_DATABASE = [
    ("migrate",),
    ("status",),
    ("downgrade", "base", "--yes"),
    ("doctor",),
    ("enqueue", "email", "send", "{}"),
    ("jobs", "list"),
    ("jobs", "show", "1"),
    ("jobs", "cancel", "1"),
    ("jobs", "run-now", "1"),
    ("jobs", "reprioritise", "1", "--priority", "0"),
    ("dead", "list"),
    ("dead", "show", "1"),
    ("dead", "retry", "1"),
    ("dead", "purge", "1", "--yes"),
    ("queues",),
    ("queues", "pause", "email"),
    ("queues", "resume", "email"),
    ("workers",),
    ("workers", "pause", "1"),
    ("workers", "resume", "1"),
    ("stats",),
]
NEED_AN_INSTALLATION = NEED_A_DATABASE[4:]


@pytest.mark.parametrize("command", NEED_A_DATABASE)
def test_a_missing_dsn_is_asked_for(bare_run: Run, command: tuple[str, ...]) -> None:
    result = bare_run(*command)

    assert result.exit_code == 2
    assert result.stderr == "pgqueue: where is the database? Give --dsn, or set PGQUEUE_DSN\n"


@pytest.mark.parametrize("command", NEED_A_DATABASE)
def test_a_server_that_is_not_there_is_told_in_one_line(bare_run: Run, command: tuple[str, ...]) -> None:
    result = bare_run(*command, "--dsn", "postgresql://me:sesame@127.0.0.1:1/shop")

    assert result.exit_code == 1
    assert result.stderr.startswith("pgqueue: cannot connect: ")
    assert "refused" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "sesame" not in result.output


@pytest.mark.parametrize("command", NEED_AN_INSTALLATION)
def test_a_database_without_pgqueue_is_told_with_its_mend(
    bare_run: Run, bare_dsn: str, command: tuple[str, ...]
) -> None:
    result = bare_run(*command, "--dsn", bare_dsn)

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "pgqueue migrate" in result.stderr


@pytest.mark.parametrize(
    "dsn", ["postgresql://me:ses%ame@localhost/shop", "sesame", "host=localhost pass word=sesame"]
)
def test_an_unreadable_dsn_is_not_quoted(bare_run: Run, dsn: str) -> None:
    result = bare_run("status", "--dsn", dsn)

    assert result.exit_code == 2
    assert "the DSN cannot be read" in result.stderr
    assert "ame" not in result.output.replace("name", "")


def test_a_password_is_hidden_in_whatever_the_server_says() -> None:
    assert hidden("no entry for sesame", {"password": "sesame"}) == "no entry for ***"
    assert hidden("no entry", {}) == "no entry"


def test_an_empty_dsn_is_none() -> None:
    with pytest.raises(CommandMisused):
        required("")


def test_a_refusal_by_the_server_is_told(dsn: str) -> None:
    with psycopg.connect(dsn) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute("select pgqueue.enqueue('email', 'send', '{\"a\": \"\\u0000\"}')")

    assert told(caught.value) == ("the database says: unsupported Unicode escape sequence", 1)


def test_our_own_errors_are_told_and_bugs_are_not() -> None:
    assert told(UnknownJob("there is\nno job 7")) == ("there is no job 7", 1)
    assert told(KeyError("a bug")) is None


def test_an_unknown_option_is_misuse(bare_run: Run) -> None:
    assert bare_run("status", "--nonsense").exit_code == 2
    assert bare_run("nonsense").exit_code == 2
