"""Tests of how single things are shown."""

from datetime import timedelta
from typing import Any

import pytest

from pgqueue.dashboard.parts import LONGEST_TEXT, age, json_text, listed, rate, run_time, share, trace_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.0042, "4.2 ms"), (0.25, "250 ms"), (2.5, "2.5 s"), (75, "1m15s")],  # noqa: RUF001
)
def test_run_times_come_in_the_unit_that_suits_them(seconds: float | None, said: str) -> None:
    assert run_time(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (timedelta(seconds=50.4), "50s"),
        (timedelta(hours=2, minutes=3, seconds=4), "2h3m"),
        (timedelta(days=2, hours=3, minutes=4), "2d3h"),
        (timedelta(seconds=-1), "0s"),
    ],
)
def test_ages_have_their_two_largest_units(value: timedelta, said: str) -> None:
    assert age(value) == said


def test_a_failure_among_many_is_never_rounded_away() -> None:
    assert [share(value) for value in (1.0, 0.99999, 0.5, None)] == ["100 %", "99.9 %", "50.0 %", "–"]  # noqa: RUF001


def test_slow_rates_keep_a_digit() -> None:
    assert [rate(value) for value in (0, 0.25, 9.96, 1234.5)] == ["0/s", "0.2/s", "10.0/s", "1,234/s"]


def test_what_is_sealed_is_said_to_be() -> None:
    sealed = {"pgqueue:sealed": {"key": "2026", "data": "c2VjcmV0"}}

    assert json_text(sealed) == "sealed with key '2026'"


def test_of_a_long_value_the_beginning_is_shown() -> None:
    text = json_text("x" * (2 * LONGEST_TEXT))

    assert len(text) < LONGEST_TEXT + 100
    assert text.endswith("the first 20,000 of 40,002 characters")


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
        ({"traceparent": "00-<b>-1-1"}, None),
        ({"traceparent": 7}, None),
        (None, None),
        ([], None),
    ],
)
def test_the_trace_is_that_of_the_header(headers: Any, found: str | None) -> None:
    assert trace_of(headers) == found


def test_of_many_names_some_are_told() -> None:
    assert (listed(["a", "b"]), listed(list("abcde"))) == ("a, b", "a, b, c +2")
