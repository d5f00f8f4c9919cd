"""Tests of `maintain`."""

import json
from datetime import UTC, datetime, timedelta

import psycopg

from pgqueue import Client, Job
from tests.cli.conftest import Run

LONG_AGO = """
    select pgqueue.make_window('ready', moment, moment + interval '10 minutes')
    from date_trunc('day', pgqueue.now() - interval '3 days', 'UTC') as moment
"""


def long_ago() -> str:
    """The window's name. Beside it, some of the template's may be past."""
    return f"ready_{datetime.now(UTC) - timedelta(days=3):%Y%m%d}_000000"


def test_it_says_what_it_did(run: Run, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(LONG_AGO)

    result = run("maintain")

    assert result.exit_code == 0
    first, *others = result.output.splitlines()
    assert first.startswith("partitions made ahead: ")
    assert f"{long_ago()}: dropped" in others


def test_as_json(run: Run, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(LONG_AGO)

    done = json.loads(run("maintain", "--json").stdout)

    fates = {window["partition"]: (window["table"], window["fate"]) for window in done["windows"]}
    assert fates[long_ago()] == ("ready", "dropped")
    assert set(done) == {"made", "locked", "windows", "emptied", "deleted"}


def test_what_is_in_use_is_left_for_later_and_no_failure(run: Run, client: Client, dsn: str) -> None:
    with psycopg.connect(dsn) as reader:
        reader.execute("select from pgqueue.ready")
        client.change_settings(ready_window=timedelta(days=1))  # so that one is missing
        result = run("maintain")

    assert result.exit_code == 0
    assert "ready: in use, a partition of it is made in a later round\n" in result.output
    client.enqueue(Job(queue="email", task="tasks.send", payload="{}"))


def test_it_is_refused_where_nothing_is_installed(run: Run) -> None:
    result = run("maintain", "--schema", "elsewhere")

    assert result.exit_code == 1
    assert result.stderr.startswith("pgqueue: no pgqueue of this version in schema 'elsewhere'")
