"""Tests of who counts as dead: only who was missing at every look, for long enough."""

from pgqueue.calls.workers import Absence
from pgqueue.worker.absences import (
    GAP_SECONDS,
    RECONNECT_SECONDS,
    RESTART_SECONDS,
    SOONEST_SECONDS,
    Absences,
)

GONE = Absence(7, met_server=True)
CUT_OFF = Absence(8, met_server=False)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def look_on(absences: Absences, clock: Clock, seconds: float, *missing: Absence) -> list[int]:
    """Look every second for so long; the last answer."""
    dead = absences.seen(missing)
    end = clock.now + seconds
    while clock.now < end:
        clock.now = min(clock.now + 1, end)
        dead = absences.seen(missing)
    return dead


def test_who_is_missing_long_enough_is_dead() -> None:
    clock = Clock()
    absences = Absences(clock=clock)

    assert look_on(absences, clock, RECONNECT_SECONDS - 0.1, GONE) == []
    assert look_on(absences, clock, 0.1, GONE) == [7]


def test_who_came_back_meanwhile_begins_anew() -> None:
    clock = Clock()
    absences = Absences(clock=clock)
    look_on(absences, clock, RECONNECT_SECONDS - 0.1, GONE)
    absences.seen([])

    assert look_on(absences, clock, RECONNECT_SECONDS - 0.1, GONE) == []


def test_a_restart_of_the_server_is_given_longer() -> None:
    clock = Clock()
    absences = Absences(clock=clock)

    assert look_on(absences, clock, RESTART_SECONDS - 0.1, CUT_OFF) == []
    assert look_on(absences, clock, 0.1, CUT_OFF) == [8]


def test_time_in_which_nobody_looked_is_not_counted() -> None:
    """We were frozen: it may have come back, worked for an hour, and be reconnecting right now."""
    clock = Clock()
    absences = Absences(clock=clock)
    absences.seen([GONE])
    clock.now += GAP_SECONDS + 0.1

    assert absences.seen([GONE]) == []


def test_who_looks_no_longer_forgets() -> None:
    clock = Clock()
    absences = Absences(clock=clock)
    absences.seen([GONE])
    absences.forget()
    clock.now += RECONNECT_SECONDS

    assert absences.seen([GONE]) == []


def test_the_next_death_is_foreseen() -> None:
    clock = Clock()
    absences = Absences(clock=clock)
    assert absences.next_seconds == float("inf")

    absences.seen([GONE, CUT_OFF])
    assert absences.next_seconds == RECONNECT_SECONDS
    clock.now += RECONNECT_SECONDS
    assert absences.next_seconds == SOONEST_SECONDS, "a look that fails is not repeated at full speed"
    assert absences.seen([GONE, CUT_OFF]) == [7]
    assert absences.next_seconds == RESTART_SECONDS - RECONNECT_SECONDS
