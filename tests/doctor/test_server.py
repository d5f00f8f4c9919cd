"""Tests of what is told of settings, room, poolers and clocks."""

from datetime import timedelta
from typing import Any

import pytest

from pgqueue.doctor.server import clock, connections, session, settings

SOUND = {
    "server_version_num": "180000",
    "fsync": "on",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "600000",
    "statement_timeout": "0",
    "autovacuum_naptime": "60",
}


def rows(**values: str) -> list[dict[str, Any]]:
    return [{"name": name, "value": value, "unit": None} for name, value in (SOUND | values).items()]


def test_sound_settings() -> None:
    assert [finding.level for finding in settings(rows())] == ["ok"]


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("server_version_num", "140012", "problem"),
        ("fsync", "off", "problem"),
        ("synchronous_commit", "off", "problem"),
        ("default_transaction_isolation", "serializable", "problem"),
        ("default_transaction_read_only", "on", "problem"),
        ("statement_timeout", "500", "advice"),
        ("idle_in_transaction_session_timeout", "0", "advice"),
        ("autovacuum_naptime", "3600", "advice"),
    ],
)
def test_settings_that_hurt(name: str, value: str, level: str) -> None:
    (finding,) = settings(rows(**{name: value}))

    assert finding.level == level
    assert finding.cause.startswith(f"{name} is {value}: ")
    assert finding.mend


def test_a_server_nearly_full() -> None:
    (finding,) = connections([{"connections": 92, "most_connections": 97, "notifications_used": 0.0}])

    assert (finding.level, finding.cause) == ("problem", "92 of 97 connections are taken")


def test_notifications_nobody_reads() -> None:
    _, finding = connections([{"connections": 2, "most_connections": 97, "notifications_used": 0.6}])

    assert (finding.check, finding.level) == ("notifications", "problem")
    assert "60% full" in finding.cause


def test_a_pooler_and_a_standby() -> None:
    primary, pooler = session(7, [{"pid": 8, "is_standby": True}])

    assert (primary.check, primary.level) == ("primary", "problem")
    assert (pooler.check, pooler.level) == ("pooler", "advice")
    assert "--watch-dsn" in pooler.mend


@pytest.mark.parametrize(
    ("ahead", "doubt", "level"),
    [(1.9, 0.0, "ok"), (-7.0, 0.1, "advice"), (7.0, 6.0, "ok"), (7.0, 0.1, "advice")],
)
def test_clocks_apart(ahead: float, doubt: float, level: str) -> None:
    finding = clock(timedelta(seconds=ahead), timedelta(seconds=doubt))

    assert finding.level == level
    assert finding.facts["ahead_seconds"] == ahead
