"""Tests of `settings`."""

import json
from datetime import timedelta

import pytest

from pgqueue import Client
from tests.cli.conftest import Run


def test_it_shows_what_holds(run: Run) -> None:
    result = run("settings")

    assert result.exit_code == 0
    assert result.output.split() == [
        *("retention", "7d", "ready_window", "10m", "history_window", "1d"),
        *("payload_limit_bytes", "1048576"),
    ]


def test_it_changes_what_is_given(run: Run, client: Client) -> None:
    result = run(
        "settings", "--retention", "14d", "--ready-window", "5m", "--payload-limit", "5000", "--json"
    )

    assert json.loads(result.stdout) == {
        "retention_seconds": 14 * 24 * 3600,
        "ready_window_seconds": 300,
        "history_window_seconds": 24 * 3600,
        "payload_limit_bytes": 5000,
    }
    assert client.settings().retention == timedelta(days=14)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--ready-window", "2d", "pgqueue: ready_window 48:00:00 is not 00:00:01 to 1 day"),
        ("--history-window", "0s", "pgqueue: history_window 00:00:00 is not"),
        ("--payload-limit", "0", "pgqueue: payload_limit_bytes 0 is not 1 to"),
    ],
)
def test_what_is_out_of_bounds_is_told_in_a_line(run: Run, option: str, value: str, told: str) -> None:
    result = run("settings", option, value)

    assert result.exit_code == 1
    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == 1


def test_what_is_no_duration_is_misuse(run: Run) -> None:
    assert run("settings", "--retention", "long").exit_code == 2
