"""Tests of the floors: where a claim may begin to look, and how far below it looks how often."""

from datetime import timedelta

import pytest

from pgqueue.floors import BEGINNING, DEAF_SWEEPS, IN_FLIGHT, Floors, first_of_each_line
from tests.worker.deliveries import NOON, Clock, delivery, lease

LINE_5 = 5  # the place of queue q's priority 5 among its ten lines
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def floors(clock: Clock) -> Floors:
    """Floors of one queue that have looked everywhere just now, and found one job of one asked for."""
    made = Floors(["q"], clock=clock)
    made.learn(lease(delivery(visible_at=NOON)), asked=1)
    made.for_claim(["q"])
    return made


def test_the_first_claim_looks_everywhere(clock: Clock) -> None:
    assert Floors(["q", "r"], clock=clock).for_claim(["q", "r"]) == [None] * 20


def test_a_full_claim_raises_the_floor_of_its_lines_to_its_first_job(floors: Floors) -> None:
    found = floors.for_claim(["q"])

    assert found[LINE_5] == NOON
    assert found[:LINE_5] + found[LINE_5 + 1 :] == [None] * 9


def test_a_claim_that_found_fewer_than_asked_raises_every_floor_but_for_what_may_be_in_flight(
    floors: Floors,
) -> None:
    floors.learn(lease(claimed_at=NOON + SECOND), asked=1)

    assert floors.for_claim(["q"]) == [NOON + SECOND - IN_FLIGHT] * 10


def test_the_floors_stand_in_the_order_of_the_queues_asked_for(clock: Clock) -> None:
    floors = Floors(["q", "r"], clock=clock)
    floors.learn(lease(delivery(queue="r", priority=0)), asked=1)
    floors.for_claim(["q"])

    assert floors.for_claim(["r", "q"])[0] == NOON
    assert floors.for_claim(["q", "r"])[10] == NOON


@pytest.mark.parametrize(
    ("pause", "reach"), [(1.0, 10), (10.0, 100), (100.0, 1000)], ids=["a second", "ten", "a hundred"]
)
def test_the_longer_ago_the_last_sweep_the_further_down_the_next_one_looks(
    floors: Floors, clock: Clock, pause: float, reach: float
) -> None:
    clock.advance(pause)

    assert floors.for_claim(["q"])[LINE_5] == NOON + timedelta(seconds=pause - reach)


def test_after_a_thousand_seconds_a_sweep_looks_everywhere(floors: Floors, clock: Clock) -> None:
    clock.advance(1000)

    assert floors.for_claim(["q"])[LINE_5] == BEGINNING


def test_a_worker_without_ears_looks_everywhere_every_half_minute(clock: Clock) -> None:
    floors = Floors(["q"], sweeps=DEAF_SWEEPS, clock=clock)
    floors.learn(lease(delivery()), asked=1)
    floors.for_claim(["q"])
    clock.advance(30)

    assert floors.for_claim(["q"])[LINE_5] == BEGINNING


def test_a_sweep_is_made_once(floors: Floors, clock: Clock) -> None:
    clock.advance(1)
    floors.for_claim(["q"])

    assert floors.for_claim(["q"])[LINE_5] == NOON


def test_a_sweep_never_looks_less_far_than_the_floor(floors: Floors, clock: Clock) -> None:
    floors.learn(lease(delivery(visible_at=NOON - timedelta(days=1)), claimed_at=NOON), asked=1)
    clock.advance(1)

    assert floors.for_claim(["q"])[LINE_5] == NOON - timedelta(days=1)


def test_forgetting_looks_everywhere_once(floors: Floors, clock: Clock) -> None:
    clock.advance(1)
    is_forgotten = floors.forget()

    assert is_forgotten
    assert floors.for_claim(["q"])[LINE_5] == BEGINNING
    assert floors.for_claim(["q"])[LINE_5] == NOON


def test_forgetting_is_refused_within_a_second_of_a_look_everywhere(floors: Floors, clock: Clock) -> None:
    clock.advance(0.9)

    assert not floors.forget()


def test_the_first_job_of_each_line_counts() -> None:
    early, late = NOON, NOON + SECOND
    held = [delivery(visible_at=early), delivery(visible_at=late), delivery(priority=0, visible_at=late)]

    assert first_of_each_line(held) == {("q", 5): early, ("q", 0): late}
