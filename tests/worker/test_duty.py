"""Tests of one worker's part in the duty: who asks how often, and when silence is silence."""

from typing import Any

from pgqueue.calls.duty import Standing
from pgqueue.worker.duty import (
    ASK_SECONDS,
    CALM_SECONDS,
    DEPUTY_SECONDS,
    MOST_SILENCE,
    ROUND_SECONDS,
    SILENT_SECONDS,
    Duty,
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def standing(**said: Any) -> Standing:
    usual = {"term": 1, "is_on_duty": False, "is_deputy": False, "beats": 5, "workers": 3}
    return Standing(**usual | said)


def other(workers: int = 3, *, spread: float = 0.5) -> Duty:
    duty = Duty(clock=Clock(), spread=lambda: spread)
    duty.stands(standing(workers=workers))
    return duty


def test_what_is_held_is_told_with_its_term() -> None:
    duty = Duty()
    assert (duty.held, duty.deputised) == (None, None)

    duty.stands(standing(term=7, is_on_duty=True))
    assert (duty.held, duty.deputised) == (7, None)

    duty.stands(standing(term=8, is_deputy=True))
    assert (duty.held, duty.deputised) == (None, 8)

    duty.forget()
    assert (duty.held, duty.deputised) == (None, None)


def test_one_on_duty_and_its_deputy_come_round_every_second() -> None:
    duty = Duty()
    duty.stands(standing(is_on_duty=True))
    assert duty.pause_seconds == ROUND_SECONDS

    duty.stands(standing(is_deputy=True))
    assert duty.pause_seconds == DEPUTY_SECONDS


def test_the_others_ask_the_seldomer_the_more_they_are() -> None:
    assert other(3).pause_seconds == ASK_SECONDS[0]
    assert other(20).pause_seconds == 4.0
    assert other(50).pause_seconds == other(1000).pause_seconds == ASK_SECONDS[1]
    assert other(20, spread=0.0).pause_seconds < other(20, spread=1.0).pause_seconds


def test_a_fleet_of_fifty_asks_so_seldom_that_nobody_notices() -> None:
    per_worker = 1 / other(50, spread=0.0).pause_seconds

    assert per_worker <= 0.14  # queries a second


def test_a_duty_that_beats_is_not_silent() -> None:
    clock = Clock()
    duty = Duty(clock=clock)
    for beats in range(10):
        duty.stands(standing(beats=beats))
        clock.now += SILENT_SECONDS - 0.1

        assert not duty.is_silent


def test_a_duty_that_does_not_beat_is_silent_after_a_while() -> None:
    clock = Clock()
    duty = Duty(clock=clock)
    duty.stands(standing())
    clock.now += SILENT_SECONDS
    duty.stands(standing())

    assert duty.is_silent


def test_where_terms_end_one_after_the_other_patience_grows_until_all_is_calm() -> None:
    """Rounds may take long, under a long transaction: ending terms for it would only make more of them."""
    clock = Clock()
    duty = Duty(clock=clock)

    def patience() -> float:
        began = clock.now
        while not duty.is_silent:
            clock.now += 0.5
            duty.heard(duty._beats or 0)  # asked, and nothing new
        return clock.now - began

    patiences = []
    for term in range(1, 7):
        duty.stands(standing(term=term, beats=term))
        patiences.append(patience() / SILENT_SECONDS)
    clock.now += CALM_SECONDS
    duty.stands(standing(term=6, beats=100))

    assert patiences == [1, 2, 4, 8, 16, MOST_SILENCE]
    assert patience() == SILENT_SECONDS


def test_who_asks_seldom_does_not_take_its_own_pause_for_silence() -> None:
    """In a fleet of fifty ten seconds lie between two questions, and ten beats."""
    clock = Clock()
    duty = Duty(clock=clock)
    for beats in range(5, 50, 10):
        duty.stands(standing(beats=beats, workers=50))
        clock.now += ASK_SECONDS[1]

        assert not duty.is_silent


def test_a_new_term_is_given_time_to_beat() -> None:
    clock = Clock()
    duty = Duty(clock=clock)
    duty.stands(standing())
    clock.now += SILENT_SECONDS
    duty.stands(standing(term=2))

    assert not duty.is_silent


def test_before_anything_was_heard_there_is_no_silence() -> None:
    clock = Clock()
    duty = Duty(clock=clock)
    clock.now += 3600

    assert not duty.is_silent


def test_time_without_a_session_is_no_silence() -> None:
    clock = Clock()
    duty = Duty(clock=clock)
    duty.stands(standing())
    duty.forget()
    clock.now += 3600

    assert not duty.is_silent


def test_our_own_duty_is_never_silent_to_us() -> None:
    clock = Clock()
    duty = Duty(clock=clock)
    duty.stands(standing(is_on_duty=True))
    clock.now += 3600

    assert not duty.is_silent


def test_beats_are_news_once() -> None:
    duty = Duty()

    assert [duty.heard(beats) for beats in (3, 3, 4, 4)] == [True, False, True, False]
