"""Tests of the book: what a worker holds, and what of it is worth telling."""

import pytest

from pgqueue.calls.finish import Ending
from pgqueue.worker.book import PARTIAL_AFTER_SECONDS, Book
from pgqueue.worker.running_job import RunningJob
from tests.worker.deliveries import Clock, delivery, lease

FIRST, SECOND = delivery(1), delivery(2)
OTHER = delivery(3, claim=2)


class Changes:
    """Counts how often the book says that something changed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def book(clock: Clock, changes: Changes) -> Book:
    """A book with two jobs of one claim, taken out of its line to be run."""
    made = Book(changed=changes, clock=clock)
    made.take(lease(FIRST, SECOND))
    made.waiting.clear()
    return made


def test_jobs_claimed_wait_in_order(clock: Clock, changes: Changes) -> None:
    book = Book(changed=changes, clock=clock)
    book.take(lease(FIRST, SECOND))
    book.take(lease(OTHER, claim=2))

    assert list(book.waiting) == [FIRST, SECOND, OTHER]
    assert book.held == 3


def test_a_lease_that_found_nothing_is_no_claim(clock: Clock, changes: Changes) -> None:
    book = Book(changed=changes, clock=clock)
    book.take(lease())

    assert book.claims == {}


def test_a_claim_that_has_wholly_ended_is_told_at_once_and_gone(book: Book, changes: Changes) -> None:
    book.ended(FIRST, 0.5)
    book.ended(SECOND, 0.25)

    (part,) = book.report()

    assert (part.claim, part.endings, part.is_plain) == (1, {1: 0.5, 2: 0.25}, True)
    assert book.claims == {}
    assert not book.has_endings
    assert changes.count == 2


def test_a_part_of_a_claim_is_told_only_after_a_while(book: Book, clock: Clock) -> None:
    book.ended(FIRST, 0.5)
    early = book.report()
    clock.advance(PARTIAL_AFTER_SECONDS)

    (part,) = book.report()

    assert early == []
    assert part.endings == {1: 0.5}
    assert not part.is_plain
    assert list(book.claims) == [1]


def test_the_rest_of_a_claim_told_in_part_is_not_plain(book: Book) -> None:
    book.ended(FIRST, 0.5)
    book.report(everything=True)
    book.ended(SECOND, 0.5)

    (rest,) = book.report()

    assert (rest.endings, rest.is_plain) == ({2: 0.5}, False)
    assert book.claims == {}


def test_a_claim_with_an_ending_in_full_is_not_plain(book: Book) -> None:
    book.ended(FIRST, 0.5)
    book.ended(SECOND, Ending(1, 2, "failed"))

    (part,) = book.report()

    assert not part.is_plain


def test_what_could_not_be_told_is_told_again(book: Book) -> None:
    book.ended(FIRST, 0.5)
    book.ended(SECOND, 0.5)
    book.restore(book.report())

    (again,) = book.report()

    assert again.endings == {1: 0.5, 2: 0.5}
    assert again.is_plain


def test_endings_that_came_meanwhile_join_those_that_could_not_be_told(book: Book) -> None:
    book.ended(FIRST, 0.5)
    parts = book.report(everything=True)
    book.ended(SECOND, 0.25)
    book.restore(parts)

    (again,) = book.report()

    assert again.endings == {1: 0.5, 2: 0.25}


def test_only_the_endings_that_could_not_be_told_are_told_again(book: Book) -> None:
    book.ended(FIRST, 0.5)
    book.ended(SECOND, 0.25)
    book.restore_endings(book.report(), [Ending(1, 2, run_seconds=0.25)])

    (again,) = book.report()

    assert (again.endings, again.is_plain) == ({2: 0.25}, False)


def test_what_is_put_off_is_not_told_before_its_time(book: Book, clock: Clock) -> None:
    book.ended(FIRST, 0.5)
    book.ended(SECOND, 0.25)
    book.restore(book.report(), after_seconds=1)
    early = book.report()
    at_the_end = book.report(everything=True)
    book.restore(at_the_end, after_seconds=1)
    clock.advance(1)

    assert early == []
    assert len(at_the_end) == 1
    assert len(book.report()) == 1


def test_a_lost_claim_is_forgotten_and_its_running_jobs_named(book: Book) -> None:
    running, other = RunningJob(FIRST), RunningJob(OTHER)
    book.running |= {running, other}
    book.take(lease(OTHER, claim=2))
    book.ended(SECOND, 0.5)

    assert book.lose(1) == [running]
    book.ended(FIRST, 0.5)
    assert book.report() == []
    assert list(book.waiting) == [OTHER]


def test_jobs_put_down_wait_no_longer(clock: Clock, changes: Changes) -> None:
    book = Book(changed=changes, clock=clock)
    book.take(lease(FIRST, SECOND))

    assert book.put_down() == [FIRST, SECOND]
    assert book.held == 0


def test_a_waiting_job_can_be_recalled_by_its_id(clock: Clock, changes: Changes) -> None:
    book = Book(changed=changes, clock=clock)
    book.take(lease(FIRST, SECOND))

    assert book.recall(2) == [SECOND]
    assert book.recall(2) == []
    assert list(book.waiting) == [FIRST]


def test_the_same_job_claimed_again_while_it_still_runs_counts_twice(book: Book) -> None:
    old, new = RunningJob(FIRST), RunningJob(delivery(1, claim=9))
    book.running |= {old, new}
    book.running.discard(old)

    assert book.running == {new}
