"""Tests of how far back the reaper looks: all at first, then a little, and now and then further."""

from datetime import timedelta

import pytest

from pgqueue.worker.lookback import MARGIN_SECONDS, MOST_CLAIMS, Lookback
from tests.worker.deliveries import Clock

TICK = 1.0
NEARBY = timedelta(seconds=TICK + MARGIN_SECONDS)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lookback(clock: Clock) -> Lookback:
    """One that has looked everywhere a tick ago, and left nothing."""
    made = Lookback(clock=clock)
    made.begin()
    made.end(jobs=3)
    clock.advance(TICK)
    return made


def test_the_first_look_is_everywhere(clock: Clock) -> None:
    assert Lookback(clock=clock).begin() is None


def test_after_it_only_what_came_since_is_looked_at(lookback: Lookback) -> None:
    assert lookback.begin() == NEARBY


def test_a_look_that_left_some_is_made_again(clock: Clock) -> None:
    lookback = Lookback(clock=clock)
    lookback.begin()
    lookback.end(jobs=MOST_CLAIMS)

    assert lookback.begin() is None


def test_a_look_that_never_ended_is_made_again(lookback: Lookback, clock: Clock) -> None:
    lookback.begin()
    clock.advance(TICK)

    assert lookback.begin() == NEARBY + timedelta(seconds=TICK)


@pytest.mark.parametrize(("pause", "reach"), [(10, 100), (100, 1000)])
def test_now_and_then_it_looks_further(lookback: Lookback, clock: Clock, pause: float, reach: float) -> None:
    clock.advance(pause - 2 * TICK)
    lookback.begin()
    lookback.end(jobs=0)
    clock.advance(TICK)

    assert lookback.begin() == timedelta(seconds=reach)


def test_and_seldom_everywhere(lookback: Lookback, clock: Clock) -> None:
    clock.advance(1000)

    assert lookback.begin() is None


def test_dear_looks_everywhere_wait(clock: Clock) -> None:
    lookback = Lookback(clock=clock)
    for _ in range(2):
        lookback.begin()
        clock.advance(20)
        lookback.end(jobs=0)
        clock.advance(1000)

    assert lookback.begin() == timedelta(seconds=1000 + 20 + MARGIN_SECONDS)
