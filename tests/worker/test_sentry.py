"""Tests of the sentry: when an idle worker looks for work again, and what it asks for before."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pgqueue.calls.watch import WATCH
from pgqueue.worker.sentry import (
    NEVER,
    QUICK_POLLS_SECONDS,
    RESERVE_SECONDS,
    SOONEST_LOOK_SECONDS,
    UNARMED_SECONDS,
    UNSURE_SECONDS,
    Request,
    Sentry,
)
from tests.worker.deliveries import Clock

POLL = 60.0


class Desk:
    """Answers a sentry's requests as a server would on which nobody else is."""

    def __init__(self, sentry: Sentry) -> None:
        self._sentry = sentry
        self.due: timedelta | None = None
        self.denied: set[str] = set()
        self.posts: dict[str, int] = {}
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

    def _place(self, queue: str) -> int | None:
        """The watch, or where it is denied the post there is, if we have none yet."""
        if f"take_watch {queue}" not in self.denied:
            return WATCH
        return None if queue in self._sentry._posts else self.posts.get(queue)

    def _answer(self, name: str, queues: list[str]) -> Any:
        if name == "next_due":
            return self.due
        if name == "take_watch":
            return {queue: place for queue in queues if (place := self._place(queue)) is not None}
        return [queue for queue in queues if f"{name} {queue}" not in self.denied]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sentry(clock: Clock) -> Sentry:
    return Sentry(["q", "r"], poll=timedelta(seconds=POLL), clock=clock, spread=lambda: 0.5)


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
    """How long until it looks, for work or for a place."""
    return max(min(sentry.claim_at, sentry.try_at) - clock.now, 0.0)


def try_for_a_place(sentry: Sentry, desk: Desk) -> list[str]:
    """What it does when it is time for that."""
    return desk.answer(sentry.requests(wants_jobs=False, wants_place=True))


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


def test_without_a_session_of_its_own_it_only_polls_and_asks_what_is_due(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    sentry.has_guard = False
    get_idle(desk)

    assert desk.claim_nothing() == ["next_due"]
    assert pause(sentry, clock) == pytest.approx(SOONEST_LOOK_SECONDS)
    clock.advance(100)
    desk.claim_nothing()
    assert pause(sentry, clock) == pytest.approx(20)
    clock.advance(1000)
    desk.claim_nothing()
    assert pause(sentry, clock) == pytest.approx(POLL)


def test_it_sleeps_no_longer_than_until_the_next_job_falls_due(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    desk.due = timedelta(seconds=3)
    fall_asleep(sentry, desk)

    assert pause(sentry, clock) == pytest.approx(3)


def test_the_net_spreads_by_a_half_to_both_sides(clock: Clock) -> None:
    spreads = iter([0.0, 1.0])
    sentry = Sentry(["q"], poll=timedelta(seconds=POLL), clock=clock, spread=lambda: next(spreads))
    sentry.has_guard = False
    desk = Desk(sentry)
    clock.advance(1000)
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
    desk.posts = {"q": 1, "r": 2}
    desk.due = timedelta(seconds=3)
    fall_asleep(sentry, desk)

    assert pause(sentry, clock) == pytest.approx(POLL)


def test_in_a_new_post_it_tries_the_watch_once_more_which_came_free_perhaps_before_it_heard(
    sentry: Sentry, desk: Desk
) -> None:
    desk.denied = {"take_watch q"}
    desk.posts = {"q": 1}
    get_idle(desk)

    assert desk.claim_nothing() == ["take_watch"]
    assert not sentry.is_asleep
    assert desk.claim_nothing() == ["take_watch"]
    assert desk.asked[-1] == ("take_watch", ["q"])


def test_in_a_post_it_looks_for_the_watch_and_for_work_by_turns(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    desk.denied = {"take_watch q", "take_watch r"}
    desk.posts = {"q": 1, "r": 1}
    fall_asleep(sentry, desk)

    assert sentry.try_at - clock.now == pytest.approx(POLL)
    assert try_for_a_place(sentry, desk) == ["take_watch"]
    assert sentry.claim_at - clock.now == pytest.approx(2 * POLL)
    assert sentry.try_at == NEVER
    desk.claim_nothing()
    assert sentry.try_at - clock.now == pytest.approx(POLL)


def test_out_of_earshot_it_looks_the_more_seldom_the_longer_it_is_idle_but_not_too_seldom(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    desk.denied = {"take_watch q", "take_watch r"}
    get_idle(desk)
    pauses = []
    for seconds in (0, 1, 4, 100):
        clock.advance(seconds)
        desk.claim_nothing()
        pauses.append(pause(sentry, clock))

    assert pauses == pytest.approx([SOONEST_LOOK_SECONDS, 0.2, 1.0, RESERVE_SECONDS])


def test_after_work_it_is_nimble_again(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    desk.denied = {"take_watch q", "take_watch r"}
    clock.advance(1000)
    sentry.found_work(is_full=False)
    get_idle(desk)
    desk.claim_nothing()

    assert pause(sentry, clock) == pytest.approx(SOONEST_LOOK_SECONDS)


def test_a_place_found_by_trying_is_a_reason_to_look_for_work(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    desk.denied = {"take_watch q", "take_watch r"}
    fall_asleep(sentry, desk)
    desk.posts = {"r": 8}

    assert try_for_a_place(sentry, desk) == ["take_watch"]
    assert pause(sentry, clock) == 0
    assert desk.claim_nothing() == ["take_watch"]


def test_full_it_leaves_its_posts_to_others(sentry: Sentry, desk: Desk) -> None:
    desk.denied = {"take_watch q", "take_watch r"}
    desk.posts = {"q": 3}
    fall_asleep(sentry, desk)
    sentry.found_work(is_full=True)

    assert desk.answer(sentry.requests(wants_jobs=False)) == ["leave_posts"]
    assert desk.asked[-1] == ("leave_posts", ["q"])
    assert desk.answer(sentry.requests(wants_jobs=False)) == []


def test_what_was_due_is_not_looked_for_again_and_again_by_who_has_no_watch(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    desk.denied = {"take_watch q", "take_watch r"}
    desk.posts = {"q": 1, "r": 1}
    fall_asleep(sentry, desk)
    sentry.expect(1.0)
    clock.advance(1.0)
    for _ in range(2):
        desk.claim_nothing()

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
    assert pause(sentry, clock) == pytest.approx(UNSURE_SECONDS[0])


def test_not_allowed_to_look_everywhere_it_asks_less_and_less_often(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    """Under a long transaction that takes as long as it is dear."""
    get_idle(desk)
    desk.claim_nothing()
    pauses = []
    for _ in range(8):
        desk.answer(sentry.requests(wants_jobs=True))
        sentry.found_nothing()
        pauses.append(pause(sentry, clock))

    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(UNSURE_SECONDS[1])


def test_a_ring_for_an_armed_queue_wakes_it(sentry: Sentry, desk: Desk, clock: Clock) -> None:
    fall_asleep(sentry, desk)

    assert sentry.hear("wake", "q")
    assert pause(sentry, clock) == 0
    assert sentry.is_unsure


def test_a_ring_that_comes_before_the_answer_that_it_is_armed_wakes_it(sentry: Sentry, desk: Desk) -> None:
    get_idle(desk)
    desk.claim_nothing()
    requests = sentry.requests(wants_jobs=True)

    assert sentry.hear("wake", "q")
    desk.answer(requests)
    sentry.found_nothing()
    assert sentry.claim_at == 0


def test_a_ring_is_answered_with_a_claim_alone_and_what_falls_due_is_asked_before_sleep(
    sentry: Sentry, desk: Desk, clock: Clock
) -> None:
    fall_asleep(sentry, desk)
    desk.due = timedelta(seconds=3)  # what was enqueued, and rang, was for later
    sentry.hear("wake", "q")

    first, pause_after_first = desk.claim_nothing(), pause(sentry, clock)
    second = desk.claim_nothing()

    assert (first, pause_after_first) == ([], 0)
    assert second == ["next_due"]
    assert pause(sentry, clock) == pytest.approx(3)


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
    desk.posts = {"r": 1}
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
