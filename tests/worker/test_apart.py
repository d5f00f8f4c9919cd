"""Tests of when a worker takes a job that may have killed its workers before."""

from pgqueue.delivery import APART
from pgqueue.worker.apart import LOOK_SECONDS, Apart
from pgqueue.worker.book import Book
from tests.worker.deliveries import delivery, lease

SUSPECT = delivery(7, claim=1, priority=APART)
USUAL = delivery(8, claim=2)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Looks:
    """The looks of one worker, and what they depend on."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.book = Book(changed=lambda: None, clock=self.clock)
        self.apart = Apart(self.book, clock=self.clock)


def test_now_and_then_a_busy_worker_looks_there_first() -> None:
    looks = Looks()
    assert looks.apart.wanted() is None

    looks.clock.now += LOOK_SECONDS
    assert looks.apart.wanted() is True

    looks.apart.claimed(lease(USUAL, claim=2), wanted=True)
    assert looks.apart.wanted() is None


def test_whoever_holds_one_wants_no_other_until_it_is_told() -> None:
    looks = Looks()
    looks.book.take(lease(SUSPECT))
    looks.clock.now += LOOK_SECONDS
    assert looks.apart.wanted() is False

    looks.book.ended(SUSPECT, 0.1)
    assert looks.apart.wanted() is False

    looks.book.report()
    assert looks.apart.wanted() is True


def test_where_there_was_one_there_may_be_more() -> None:
    looks = Looks()

    looks.apart.claimed(lease(SUSPECT), wanted=None)

    assert looks.apart.wanted() is True


def test_a_usual_job_alone_is_not_held_apart() -> None:
    looks = Looks()

    looks.book.take(lease(USUAL, claim=2))

    assert not looks.book.holds_apart
    assert looks.apart.wanted() is None
