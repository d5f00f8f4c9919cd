"""Tests of who holds the horizon too long: each is told with what it is known by, and what ends it."""

from datetime import timedelta
from typing import Any

import pytest

from pgqueue.doctor.horizon import HIDDEN, holders

MINUTE = timedelta(minutes=1)


def session(**values: Any) -> dict[str, Any]:
    return {
        "kind": "session",
        "name": "4711",
        "role": "report",
        "application": "nightly",
        "client": "10.0.0.7",
        "state": "active",
        "open_seconds": 10.0,
        "state_seconds": 10.0,
        "transactions": 5,
        "query": "select count(*) from orders",
    } | values


def test_short_ones_are_no_problem_but_the_oldest_is_told() -> None:
    (finding,) = holders([session(), session(name="4712")], MINUTE)

    assert finding.level == "ok"
    assert "pid 4711 (nightly)" in finding.cause


def test_nobody_at_all() -> None:
    (finding,) = holders([], MINUTE)

    assert (finding.level, finding.cause) == ("ok", "nobody holds the xmin horizon for long")


@pytest.mark.parametrize(
    ("row", "cause", "mend"),
    [
        (session(open_seconds=61.0), "pid 4711 (nightly) of role report", "pg_terminate_backend(4711)"),
        (
            session(state="idle in transaction", state_seconds=6.0),
            "idle in transaction: select count(*) from orders",
            "idle_in_transaction_session_timeout",
        ),
        (session(open_seconds=61.0, query=HIDDEN), HIDDEN, "grant pg_read_all_stats"),
        (
            session(kind="prepared", name="transfer", open_seconds=3600.0),
            "prepared transaction 'transfer' of role report, open for 1:00:00",
            "rollback prepared 'transfer'",
        ),
        (
            session(kind="slot", name="old", state="inactive", open_seconds=None),
            "inactive replication slot 'old', 5 transactions back",
            "pg_drop_replication_slot('old')",
        ),
        (
            session(kind="standby", open_seconds=None, transactions=2_000_000),
            "a query on the standby of walsender pid 4711",
            "hot_standby_feedback",
        ),
    ],
    ids=["session", "idle", "hidden", "prepared", "slot", "standby"],
)
def test_each_is_told_with_its_mend(row: dict[str, Any], cause: str, mend: str) -> None:
    (finding,) = holders([session(), row], MINUTE)

    assert finding.level == "problem"
    assert cause in finding.cause
    assert mend in finding.mend


@pytest.mark.parametrize(
    "row",
    [
        session(state="idle in transaction", state_seconds=1.0),
        session(kind="slot", state="active", open_seconds=None),
        session(kind="standby", open_seconds=None),
    ],
)
def test_what_moves_on_is_no_problem(row: dict[str, Any]) -> None:
    assert [finding.level for finding in holders([row], MINUTE)] == ["ok"]
