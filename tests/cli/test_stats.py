"""Tests of `stats`: one look, and look after look."""

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgqueue import Client, Job, Stats
from pgqueue.calls.stats import QueueStats, RelationStats
from pgqueue.cli.standing import Rates, counted
from tests.cli.conftest import Run, started

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)


def test_one_look(run: Run, client: Client) -> None:
    client.enqueue(Job(queue="email", task="tasks.send", payload="{}"))

    told = json.loads(run("stats", "--json").stdout)
    shown = run("stats").stdout

    assert [queue["waiting"] for queue in told["queues"]] == [1]
    assert {"jobs", "ready", "claims"} <= {part["relation"] for part in told["relations"]}
    assert "0 alive" in shown
    assert "email" in shown


def test_who_holds_the_horizon(run: Run, dsn: str) -> None:
    with psycopg.connect(dsn) as holder:
        holder.execute("select 'the report', txid_current()")
        pid = holder.info.backend_pid

        told = json.loads(run("stats", "--json").stdout)
        shown = run("stats").stdout

    assert told["horizon"][0]["pid"] == pid
    assert f"held by pid {pid}" in shown


def test_look_after_look_until_interrupted(dsn: str, tmp_path: Path) -> None:
    arguments = ("stats", "--watch", "--json", "--every", "1ms")
    with started(*arguments, folder=tmp_path, dsn=dsn) as process:
        assert process.stdout is not None
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()

    assert first["queues"] == second["queues"] == []
    assert (process.returncode, errors) == (0, "")


def test_the_live_view_shows_rates(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [Stats((), (), (relation("jobs", inserted=100 * number, after=number),), ()) for number in (1, 0)]

    def look(*_: Any, **__: Any) -> Stats:
        if not seen:
            raise KeyboardInterrupt
        return seen.pop()

    monkeypatch.setattr(Client, "stats", look)

    result = run("stats", "--watch", "--every", "1ms")

    assert result.exit_code == 0
    assert "100/s" in result.stdout


def relation(name: str, *, inserted: int, after: float, density: float = 1.0) -> RelationStats:
    return RelationStats(name, name, None, None, 0, inserted, MOMENT + timedelta(seconds=after), density)


def test_rates_are_by_the_databases_clock_and_never_of_a_dropped_window() -> None:
    rates = Rates()
    for inserted, after in ((1000, 0), (1500, 2), (10, 3)):
        rates.learn(Stats((), (), (relation("outcomes", inserted=inserted, after=after),), ()))

    assert rates.per_second == {"attempts ended": 250.0}


def test_rates_are_of_jobs_where_several_share_a_row() -> None:
    rates = Rates()
    for inserted, after in ((1000, 0), (1500, 2)):
        rates.learn(Stats((), (), (relation("jobs", inserted=inserted, after=after, density=64.0),), ()))

    assert rates.per_second == {"enqueued": 16_000.0}


def test_an_estimate_is_marked() -> None:
    queue = QueueStats("email", None, 1_200_000, 5, 0, 0, (), None, frozenset({"waiting"}))

    assert (counted(queue, "waiting", 1_200_000), counted(queue, "scheduled", 5)) == ("~1,200,000", "5")
