"""Tests of the verdict: from what a handler answered to how its job ends."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from pgqueue import Cancel, Dead, Fixed, InvalidPayload, PayloadTooLarge, ResultNotSerializable, Retry, Snooze
from pgqueue.backoff import LONGEST, Exponential
from pgqueue.worker import verdict
from tests.worker.deliveries import delivery

MINUTE = timedelta(minutes=1)
USUAL = Fixed(timedelta(seconds=7))
LIMIT = 100


def test_a_value_is_kept_only_where_the_job_keeps_it() -> None:
    kept = verdict.answered(delivery(keep_result=True), {"x": 1}, USUAL, LIMIT)
    dropped = verdict.answered(delivery(), {"x": 1}, USUAL, LIMIT)

    assert (kept.state, kept.result) == ("succeeded", '{"x":1}')
    assert (dropped.state, dropped.result) == ("succeeded", None)


@pytest.mark.parametrize(
    ("answer", "state", "delay"),
    [
        (Retry(MINUTE), "failed", MINUTE),
        (Retry(), "failed", USUAL(1)),
        (Snooze(MINUTE), "returned", MINUTE),
        (Cancel("late"), "cancelled", None),
        (Dead("hopeless"), "dead", None),
    ],
    ids=["retry in a minute", "retry", "snooze", "cancel", "dead"],
)
def test_an_answer_means_the_same_raised_and_returned(
    answer: Exception, state: str, delay: timedelta | None
) -> None:
    raised = verdict.raised(delivery(), answer, USUAL)
    returned = verdict.answered(delivery(keep_result=True), answer, USUAL, LIMIT)

    assert (raised.state, raised.delay) == (returned.state, returned.delay) == (state, delay)


def test_an_error_fails_the_attempt_with_its_traceback() -> None:
    nobody: dict[str, int] = {}
    with pytest.raises(KeyError) as raised:
        nobody["who"]

    ending = verdict.raised(delivery(), raised.value, USUAL)

    assert (ending.state, ending.delay) == ("failed", USUAL(1))
    assert ending.error is not None
    assert (ending.error["type"], ending.error["message"]) == ("KeyError", "'who'")
    assert "test_verdict.py" in ending.error["traceback"]


@pytest.mark.parametrize("error", [InvalidPayload("x"), PayloadTooLarge("x"), ResultNotSerializable("x")])
def test_what_would_fail_again_is_dead_at_once(error: Exception) -> None:
    assert verdict.raised(delivery(), error, USUAL).state == "dead"


def test_a_result_that_json_cannot_say_is_dead_at_once() -> None:
    ending = verdict.answered(delivery(keep_result=True), object(), USUAL, LIMIT)

    assert ending.state == "dead"
    assert ending.error is not None
    assert ending.error["type"] == "ResultNotSerializable"


def test_a_result_over_the_limit_is_dead_at_once() -> None:
    ending = verdict.answered(delivery(keep_result=True), "x" * LIMIT, USUAL, LIMIT)

    assert ending.state == "dead"
    assert ending.error is not None
    assert ending.error["type"] == "PayloadTooLarge"


def test_the_backoff_is_asked_with_the_number_of_the_failed_attempt() -> None:
    asked = []

    def backoff(attempt: int) -> timedelta:
        asked.append(attempt)
        return MINUTE

    assert verdict.raised(delivery(attempt=3), ValueError(), backoff).delay == MINUTE
    assert asked == [3]


def failing(attempt: int) -> timedelta:
    raise ZeroDivisionError


def nonsense(attempt: int) -> timedelta:
    return 5  # type: ignore[return-value]


@pytest.mark.parametrize("backoff", [failing, nonsense])
def test_a_backoff_that_fails_is_replaced_by_the_usual_one(backoff: Callable[[int], timedelta]) -> None:
    delay = verdict.raised(delivery(), ValueError(), backoff).delay

    assert delay is not None
    assert timedelta(0) < delay <= Exponential().base


@pytest.mark.parametrize(
    ("given", "kept"),
    [(-MINUTE, timedelta(0)), (timedelta.max, LONGEST), (MINUTE, MINUTE)],
)
def test_a_delay_is_kept_within_what_the_server_can_count(given: timedelta, kept: timedelta) -> None:
    assert verdict.raised(delivery(), Retry(given), USUAL).delay == kept
    assert verdict.raised(delivery(), Snooze(given), USUAL).delay == kept
    assert verdict.raised(delivery(), ValueError(), lambda attempt: given).delay == kept


def test_a_job_that_finished_itself_has_failed_if_that_was_rolled_back() -> None:
    ending = verdict.finished_itself(delivery(), USUAL)

    assert isinstance(ending, verdict.EndingUnlessFinished)
    assert (ending.state, ending.delay) == ("failed", USUAL(1))
    assert ending.error is not None
    assert ending.error["type"] == "RolledBack"


def test_an_ending_unless_finished_says_the_same_otherwise() -> None:
    ending = verdict.raised(delivery(), Retry(MINUTE), USUAL)
    unless = verdict.unless_finished(ending)

    assert isinstance(unless, verdict.EndingUnlessFinished)
    assert (unless.claim, unless.job, unless.state) == (ending.claim, ending.job, ending.state)
    assert (unless.delay, unless.error) == (ending.delay, ending.error)


def test_an_unknown_task_is_handed_back_unspent() -> None:
    ending, warning = verdict.unknown(delivery(), MINUTE)

    assert (ending.state, ending.delay) == ("returned", MINUTE)
    assert "'send', unknown to this worker" in str(warning)
