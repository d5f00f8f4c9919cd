"""Tests of durations and moments as people type them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgqueue.durations import duration, moment, readable, spelled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60s", timedelta(seconds=60)),
        ("500ms", timedelta(milliseconds=500)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("1h 30m", timedelta(hours=1, minutes=30)),
        ("0.5s", timedelta(milliseconds=500)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "60", "s", "-5s", "1 week", "60s later", "9" * 400 + "d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|counted"):
        duration(text)


def test_a_number_without_a_unit_is_told_what_would_do() -> None:
    with pytest.raises(ValueError, match="60s"):
        duration("60")


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=300)))
def test_a_spelled_duration_reads_back(value: timedelta) -> None:
    assert duration(spelled(value)) == value


@pytest.mark.parametrize("text", ["7d", "1h30m", "10m", "1d1s", "0s", "1s500ms"])
def test_a_duration_for_people_is_as_they_would_type_it(text: str) -> None:
    assert readable(duration(text)) == text


def test_a_moment_may_be_so_long_ago() -> None:
    before = datetime.now(UTC)

    found = moment("2h")

    assert before <= found + timedelta(hours=2) <= datetime.now(UTC)


def test_a_moment_may_be_a_date_and_time() -> None:
    assert moment("2026-01-31T12:00+00:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert moment("2026-01-31").tzinfo is not None


@pytest.mark.parametrize("text", ["yesterday", "999999999d"])
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither a duration"):
        moment(text)
