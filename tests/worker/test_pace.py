"""Tests of the pace: how many jobs to hold, from how long they took."""

from datetime import timedelta

import pytest

from pgqueue.worker.pace import Pace


@pytest.fixture
def pace() -> Pace:
    return Pace(concurrency=10, ahead=timedelta(milliseconds=100), largest=1000)


def test_before_any_measurement_no_more_is_held_than_can_run(pace: Pace) -> None:
    assert pace.to_hold() == 10


def test_quick_jobs_are_held_for_as_long_ahead_as_is_allowed(pace: Pace) -> None:
    pace.measured(100, 1.0)

    assert pace.to_hold() == 10 + 100


def test_however_quick_there_is_a_largest_batch(pace: Pace) -> None:
    pace.measured(100, 0.0)

    assert pace.to_hold() == 10 + 1000


def test_of_slow_jobs_no_more_is_held_than_can_run(pace: Pace) -> None:
    pace.measured(1, 0.1)

    assert pace.to_hold() == 10


def test_the_mean_follows_what_is_measured(pace: Pace) -> None:
    pace.measured(1, 0.001)
    for _ in range(20):
        pace.measured(1, 1.0)

    assert pace.to_hold() == 10


def test_jobs_that_lay_unstarted_count_as_slow(pace: Pace) -> None:
    pace.measured(100, 0.001)
    pace.stalled()

    assert pace.to_hold() == 10


@pytest.mark.parametrize(("held", "wanted"), [(0, 10), (4, 6), (10, 0), (12, 0)])
def test_of_slow_jobs_every_free_place_is_filled(pace: Pace, held: int, wanted: int) -> None:
    assert pace.wanted(held) == wanted


def test_a_small_largest_batch_leaves_no_place_free() -> None:
    pace = Pace(concurrency=10, ahead=timedelta(milliseconds=100), largest=2)
    pace.measured(100, 1.0)

    assert [pace.wanted(held) for held in (9, 10, 12)] == [3, 0, 0]


@pytest.mark.parametrize(("held", "wanted"), [(0, 110), (55, 55), (56, 0), (110, 0)])
def test_of_quick_jobs_nothing_is_claimed_until_half_of_them_is_done(
    pace: Pace, held: int, wanted: int
) -> None:
    pace.measured(100, 1.0)

    assert pace.wanted(held) == wanted
