"""Tests of the sweeps: how often how far, and never for much of the time."""

import pytest

from pgqueue.sweeps import EVERYTHING, Sweeps
from tests.worker.deliveries import Clock

LEVELS = ((1, 10), (10, 100), (100, EVERYTHING))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sweeps(clock: Clock) -> Sweeps:
    """Sweeps that have looked everywhere just now, in no time."""
    made = Sweeps(LEVELS, clock=clock)
    made.made(EVERYTHING, took_seconds=0.0)
    return made


def test_the_first_sweep_is_of_everything(clock: Clock) -> None:
    assert Sweeps(LEVELS, clock=clock).due() == EVERYTHING


@pytest.mark.parametrize(("pause", "reach"), [(0.9, 0), (1, 10), (9, 10), (10, 100), (100, EVERYTHING)])
def test_the_longer_ago_the_last_one_the_further_the_next_one_looks(
    sweeps: Sweeps, clock: Clock, pause: float, reach: float
) -> None:
    clock.advance(pause)

    assert sweeps.due() == reach


def test_one_that_reached_far_was_one_nearby_too(sweeps: Sweeps, clock: Clock) -> None:
    clock.advance(10)
    sweeps.made(100, took_seconds=0.0)

    assert sweeps.due() == 0


def test_one_nearby_leaves_those_further_due(sweeps: Sweeps, clock: Clock) -> None:
    clock.advance(10)
    sweeps.made(10, took_seconds=0.0)

    assert sweeps.due() == 100


def test_sweeps_that_take_long_wait_a_hundred_times_that(sweeps: Sweeps, clock: Clock) -> None:
    clock.advance(10)
    sweeps.made(100, took_seconds=0.3)
    sweeps.made(100, took_seconds=0.4)
    clock.advance(29)
    soon = sweeps.due()
    clock.advance(1)

    assert (soon, sweeps.due()) == (10, 100)


def test_a_single_one_that_took_long_was_only_held_up(sweeps: Sweeps, clock: Clock) -> None:
    clock.advance(10)
    sweeps.made(100, took_seconds=0.3)
    clock.advance(10)

    assert sweeps.due() == 100
    assert sweeps.may()
