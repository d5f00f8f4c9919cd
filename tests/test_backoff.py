"""Tests of backoff: grows, stays under its ceiling, never goes backwards."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pgqueue import Exponential, Fixed
from pgqueue.backoff import LONGEST

SECOND = timedelta(seconds=1)


def test_without_jitter_each_delay_is_twice_the_last() -> None:
    backoff = Exponential(base=SECOND, ceiling=timedelta(seconds=10), jitter=0)

    assert [backoff(attempt).total_seconds() for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 4.0), (0.5, 3.0), (1.0, 2.0)])
def test_jitter_takes_off_up_to_its_share(drawn: float, seconds: float) -> None:
    backoff = Exponential(base=SECOND, jitter=0.5, random=lambda: drawn)

    assert backoff(3) == timedelta(seconds=seconds)


@given(
    base=some.timedeltas(timedelta(microseconds=1), timedelta(days=1)),
    ceiling=some.timedeltas(timedelta(days=1), LONGEST),
    jitter=some.floats(0, 1),
    attempt=some.integers(-5, 30_000),
)
def test_every_delay_lies_between_zero_and_the_ceiling(
    base: timedelta, ceiling: timedelta, jitter: float, attempt: int
) -> None:
    delay = Exponential(base=base, ceiling=ceiling, jitter=jitter)(attempt)

    assert timedelta(0) <= delay <= ceiling + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base": timedelta(0)}, "base 0:00:00 is not above zero"),
        ({"base": timedelta(seconds=-1)}, "base"),
        ({"ceiling": timedelta(milliseconds=1)}, "ceiling"),
        ({"ceiling": timedelta.max}, "ceiling"),
        ({"jitter": 1.1}, "jitter 1.1 is not between 0"),
        ({"jitter": -0.1}, "jitter"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(options: dict[str, timedelta], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Exponential(**options)  # type: ignore[arg-type]


def test_fixed_is_the_same_after_every_attempt() -> None:
    backoff = Fixed(SECOND)

    assert [backoff(attempt) for attempt in (1, 2, 30_000)] == [SECOND] * 3


def test_fixed_refuses_to_go_backwards() -> None:
    with pytest.raises(ValueError, match="delay"):
        Fixed(timedelta(seconds=-1))
