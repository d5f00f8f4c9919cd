"""Tests of what is told of windows, dead rows and queues nobody serves."""

from typing import Any

import pytest

from pgqueue.doctor.house import bloat, partitions, workers


def table(**values: Any) -> dict[str, Any]:
    return {
        "parent": "ready",
        "span_seconds": 600.0,
        "lacks_this": False,
        "lacks_next": False,
        "lacks_default": False,
        "default_bytes": 0,
        "overdue": 0,
        "overdue_seconds": None,
    } | values


@pytest.mark.parametrize(
    ("values", "level", "cause"),
    [
        ({"lacks_this": True, "lacks_next": True}, "problem", "ready lacks a partition, the window of now"),
        ({"lacks_next": True}, "problem", "ready lacks a partition, the next window"),
        ({"lacks_default": True}, "problem", "ready lacks a partition, the default one"),
        ({"overdue": 3, "overdue_seconds": 7200.0}, "problem", "3 windows of ready"),
        ({"default_bytes": 8192}, "advice", "the default partition of ready holds 8,192 bytes"),
    ],
)
def test_windows_that_are_not_as_they_should_be(values: dict[str, Any], level: str, cause: str) -> None:
    (finding,) = partitions([table(parent="jobs"), table(**values)])

    assert finding.level == level
    assert cause in finding.cause
    assert "pgqueue maintain" in finding.mend


def test_windows_in_order() -> None:
    assert [finding.level for finding in partitions([table()])] == ["ok"]


@pytest.mark.parametrize(
    ("values", "mend"),
    [
        ({"dead": 200_000}, "vacuum pgqueue.queues"),
        ({"is_switched_off": True}, "alter table pgqueue.queues reset (autovacuum_enabled)"),
        ({"dead": 200_000, "live": 300_000}, None),
        ({}, None),
    ],
)
def test_dead_rows_pile_up(values: dict[str, Any], mend: str | None) -> None:
    row = {
        "relation": "pgqueue.queues",
        "live": 10,
        "dead": 5,
        "size_bytes": 8192,
        "vacuumed_at": None,
        "is_switched_off": False,
    }

    (finding,) = bloat([row | values])

    assert finding.level == ("problem" if mend else "ok")
    assert (mend or "") in finding.mend


@pytest.mark.parametrize(
    ("values", "level"),
    [
        ({}, "problem"),
        ({"workers": 1}, "ok"),
        ({"is_paused": True}, "ok"),
        ({"waiting_seconds": 5.0}, "ok"),
        ({"waiting_seconds": None}, "ok"),
    ],
)
def test_a_queue_that_nobody_serves(values: dict[str, Any], level: str) -> None:
    row = {"queue": "email", "is_paused": False, "workers": 0, "waiting_seconds": 7200.0}

    (finding,) = workers([row | values])

    assert finding.level == level
    if level == "problem":
        assert "queue email has jobs due since 2:00:00" in finding.cause
        assert "--queue email" in finding.mend
