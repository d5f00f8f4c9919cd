"""Tests of `workers`."""

import json
from typing import Any

import psycopg

from tests.cli.conftest import Run


def test_workers_tell_whether_they_live(run: Run, dsn: str) -> None:
    join = "select pgqueue.join_workers(%s, '{email}', 'here', 42, '1.0', 10)"
    with psycopg.connect(dsn, autocommit=True) as alive, psycopg.connect(dsn, autocommit=True) as gone:
        alive.execute(join, [96_000_000_000_000_001])
        gone.execute(join, [96_000_000_000_000_002])
        gone.execute("select pg_advisory_unlock_all()")

        told: list[dict[str, Any]] = json.loads(run("workers", "--json").stdout)
        shown = run("workers").stdout

    assert {worker["id"]: worker["is_alive"] for worker in told} == {
        "96000000000000001": True,
        "96000000000000002": False,
    }
    assert "96000000000000001" in shown
    assert "0/10" in shown
    assert "gone" in shown


def test_no_workers(run: Run) -> None:
    assert run("workers").output == "no workers\n"


def test_pause_and_resume(run: Run, connection: psycopg.Connection[Any]) -> None:
    connection.execute("select pgqueue.join_workers(7, '{email}', 'here', 42, '1.0', 10)")

    paused = run("workers", "pause", 7)
    shown = run("workers").stdout
    resumed = run("workers", "resume", 7)
    told = json.loads(run("workers", "resume", 7, "--json").stdout)

    assert told == {"worker": "7", "paused": False}
    assert (paused.output, resumed.output) == ("worker 7 is paused\n", "worker 7 goes on\n")
    assert "paused" in shown
    assert json.loads(run("workers", "--json").stdout)[0]["paused_at"] is None


def test_a_worker_nobody_knows(run: Run) -> None:
    for word in ("pause", "resume"):
        result = run("workers", word, 7)

        assert (result.exit_code, result.stderr) == (
            1,
            "pgqueue: there is no worker 7: see `pgqueue workers`\n",
        )
