"""Tests of the counts."""

import pytest

from pgqueue.calls.finish import Ended, Ending
from pgqueue.worker.counts import Counts
from tests.worker.deliveries import delivery


def test_a_plain_success_is_one() -> None:
    counts = Counts()
    counts.ended(delivery(), None)

    assert counts == Counts(succeeded=1)


@pytest.mark.parametrize(
    ("state", "attempt", "expected"),
    [
        ("succeeded", 1, Counts(succeeded=1)),
        ("failed", 1, Counts(retried=1)),
        ("failed", 5, Counts(dead=1)),
        ("dead", 1, Counts(dead=1)),
        ("cancelled", 5, Counts(cancelled=1)),
        ("returned", 5, Counts(returned=1)),
    ],
)
def test_each_ending_has_its_number(state: Ended, attempt: int, expected: Counts) -> None:
    counts = Counts()
    counts.ended(delivery(attempt=attempt, last_attempt=5), Ending(1, 7, state))

    assert counts == expected


def test_a_job_that_its_handler_finished_has_succeeded() -> None:
    counts = Counts()
    counts.ended(delivery(), Ending(1, 7, "failed"), has_finished=True)

    assert counts == Counts(succeeded=1)
