"""Tests of the sentry: when an idle worker looks for work again, and what it asks for before."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pgqueue.worker.sentry import QUICK_POLLS_SECONDS, UNARMED_SECONDS, UNSURE_SECONDS, Request, Sentry
from tests.worker.deliveries import Clock

POLL = 60.0


class Desk:
    """Answers a sentry's requests as a server would on which nobody else is."""

    def __init__(self, sentry: Sentry) -> None:
        self._sentry = sentry
        self.due: timedelta | None = None
        self.denied: set[str] = set()
        self.asked: list[tuple[str, list[str]]] = []

    def answer(self, requests: Sequence[Request]) -> list[str]:
        """Answer these; returns the names of the functions asked for."""
        for call, take in requests:
            queues = call.values[0]
            self.asked.append((call.function.name, queues))
            take(self._answer(call.function.name, queues))
        return [call.function.name for call, _ in requests]

    def claim_nothing(self) -> list[str]:
        """One round trip that finds no job, when it is time for it."""
        names = self.answer(self._sentry.requests(wants_jobs=True))
        self._sentry.is_unsure = False  # the pump has looked everywhere
        self._sentry.found_nothing()
        return names

    def _answer(self, name: str, queues: list[str]) -> Any:
        if name == "next_due":
            return self.due
        return [queue for queue in queues if f"{name} {queue}" not in self.denied]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sentry(clock: Clock) -> Sentry:
    made = Sentry(["q", "r"], poll=timedelta(seconds=POLL), clock=clock, spread=lambda: 0.5)
    made.has_ears = True
    return made


@pytest.fixture
def desk(sentry: Sentry) -> Desk:
    return Desk(sentry)


def get_idle(desk: Desk) -> None:
    for _ in QUICK_POLLS_SECONDS:
        desk.claim_nothing()


def fall_asleep(sentry: Sentry, desk: Desk) -> None:
    get_idle(desk)
    for _ in range(3):
        if not sentry.is_asleep:
            desk.claim_nothing()
    assert sentry.is_asleep


def pause(sentry: Sentry, clock: Clock) -> float:
    return max(sentry.claim_at - clock.now, 0.0)


def test_after_work_it_looks_again_soon_and_asks_for_nothing(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    for expected in QUICK_POLLS_SECONDS:
        assert desk.claim_nothing() == []
        assert pause(sentry, clock) == pytest.approx(expected)


def test_idle_it_takes_the_watch_then_the_bells_then_sleeps(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    get_idle(desk)

    assert desk.claim_nothing() == ["take_watch"]
    assert pause(sentry, clock) == 0
    assert desk.claim_nothing() == ["arm", "next_due"]
    assert sentry.is_asleep
    assert pause(sentry, clock) == pytest.approx(POLL)


def test_without_ears_it_only_polls_and_asks_what_is_due(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    sentry.has_ears = False
    get_idle(desk)

    assert desk.claim_nothing() == ["next_due"]
    assert pause(sentry, clock) == pytest.approx(POLL)


def test_without_a_session_for_its_locks_it_only_polls(sentry: Sentry, desk: Desk) -> None:
    sentry.has_guard = False
    get_idle(desk)

    assert desk.claim_nothing() == ["next_due"]


def test_it_sleeps_no_longer_than_until_the_next_job_falls_due(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    desk.due = timedelta(seconds=3)
    fall_asleep(sentry, desk)

    assert pause(sentry, clock) == pytest.approx(3)


def test_the_net_spreads_by_a_half_to_both_sides(clock: Clock) -> None:
    spreads = iter([0.0, 1.0])
    sentry = Sentry(["q"], poll=timedelta(seconds=POLL), clock=clock, spread=lambda: next(spreads))
    desk = Desk(sentry)
    get_idle(desk)
    pauses = []
    for _ in range(2):
        desk.claim_nothing()
        pauses.append(pause(sentry, clock))

    assert pauses == [pytest.approx(POLL / 2), pytest.approx(POLL * 3 / 2)]


def test_who_has_no_watch_sleeps_and_leaves_due_jobs_to_the_watcher(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    desk.denied = {"take_watch q", "take_watch r"}
    desk.due = timedelta(seconds=3)
    get_idle(desk)
    desk.claim_nothing()

    assert sentry.is_asleep
    assert pause(sentry, clock) == pytest.approx(POLL)


def test_a_watcher_of_one_queue_asks_what_is_due_in_that_one(sentry: Sentry, desk: Desk) -> None:
    desk.denied = {"take_watch q"}
    fall_asleep(sentry, desk)

    assert desk.asked[-2:] == [("arm", ["r"]), ("next_due", ["r"])]


def test_refused_a_bell_it_tries_again_less_and_less_often(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    desk.denied = {"arm r"}
    get_idle(desk)
    desk.claim_nothing()
    pauses = []
    for _ in range(10):
        desk.claim_nothing()
        pauses.append(pause(sentry, clock))

    assert pauses[0] == pytest.approx(UNARMED_SECONDS[0] * 2)
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(UNARMED_SECONDS[1])
    assert desk.asked[-2:] == [("arm", ["r"]), ("next_due", ["q", "r"])]


def test_newly_armed_it_must_look_everywhere_before_it_sleeps(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    get_idle(desk)
    desk.claim_nothing()
    desk.answer(sentry.requests(wants_jobs=True))
    sentry.found_nothing()

    assert sentry.is_unsure
    assert not sentry.is_asleep
    assert pause(sentry, clock) == pytest.approx(UNSURE_SECONDS)


def test_a_ring_for_an_armed_queue_wakes_it(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    fall_asleep(sentry, desk)

    assert sentry.hear("wake", "q")
    assert pause(sentry, clock) == 0
    assert sentry.is_unsure


@pytest.mark.parametrize(
    ("word", "queue"), [("wake", "other"), ("watch", "other"), ("watch", "q"), ("x", "q")]
)
def test_what_does_not_concern_it_does_not_wake_it(
    sentry: Sentry, desk: Desk, clock: Clock, word: str, queue: str
) -> None:
    fall_asleep(sentry, desk)

    assert not sentry.hear(word, queue)
    assert pause(sentry, clock) == pytest.approx(POLL)


def test_a_ring_while_at_work_is_no_news(sentry: Sentry) -> None:
    assert not sentry.hear("wake", "q")


def test_a_resumed_queue_is_news_also_at_work(sentry: Sentry) -> None:
    assert sentry.hear("resume", "q")
    assert sentry.is_unsure


def test_a_ring_that_comes_while_a_claim_is_under_way_is_not_slept_over(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    fall_asleep(sentry, desk)
    desk.answer(sentry.requests(wants_jobs=True))
    sentry.hear("wake", "q")
    sentry.found_nothing()

    assert pause(sentry, clock) == 0
    assert not sentry.is_asleep


def test_a_watch_given_free_while_we_ask_for_it_is_asked_for_again(sentry: Sentry, desk: Desk) -> None:
    desk.denied = {"take_watch q"}
    get_idle(desk)
    requests = sentry.requests(wants_jobs=True)
    sentry.hear("watch", "q")
    desk.answer(requests)
    sentry.found_nothing()
    desk.denied = set()

    assert desk.claim_nothing() == ["take_watch"]
    assert desk.asked[-1] == ("take_watch", ["q"])


def test_at_work_it_lets_the_bells_go_and_keeps_the_watch(sentry: Sentry, desk: Desk) -> None:
    fall_asleep(sentry, desk)
    sentry.found_work(is_full=False)

    assert desk.answer(sentry.requests(wants_jobs=True)) == ["disarm"]
    assert desk.answer(sentry.requests(wants_jobs=True)) == []
    assert not sentry.hear("watch", "q")


def test_full_it_gives_the_watch_up_even_where_it_wants_no_jobs(sentry: Sentry, desk: Desk) -> None:
    fall_asleep(sentry, desk)
    sentry.found_work(is_full=True)

    assert desk.answer(sentry.requests(wants_jobs=False)) == ["disarm", "leave_watch"]
    assert desk.answer(sentry.requests(wants_jobs=False)) == []


def test_back_from_work_it_takes_what_it_gave_up(sentry: Sentry, desk: Desk) -> None:
    fall_asleep(sentry, desk)
    sentry.found_work(is_full=True)
    desk.answer(sentry.requests(wants_jobs=False))
    fall_asleep(sentry, desk)

    assert [name for name, _ in desk.asked[-3:]] == ["take_watch", "arm", "next_due"]


def test_what_we_put_back_ourselves_wakes_us_when_it_falls_due(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    fall_asleep(sentry, desk)
    sentry.expect(2.0)

    assert pause(sentry, clock) == pytest.approx(2.0)


def test_what_falls_due_later_does_not_put_off_what_falls_due_sooner(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    fall_asleep(sentry, desk)
    sentry.expect(1.0)
    sentry.expect(2.0)

    assert pause(sentry, clock) == pytest.approx(1.0)


def test_a_due_moment_stays_where_it_is_while_time_passes(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    desk.denied = {"take_watch r"}
    desk.due = timedelta(seconds=10)
    fall_asleep(sentry, desk)
    clock.advance(4)
    sentry.hear("watch", "r")
    desk.claim_nothing()

    assert sentry.is_asleep
    assert pause(sentry, clock) == pytest.approx(6)


def test_a_lost_session_begins_again(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    fall_asleep(sentry, desk)
    sentry.forget()

    assert pause(sentry, clock) == 0
    assert desk.claim_nothing() == ["take_watch"]
