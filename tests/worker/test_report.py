"""Tests of the report: which calls tell what ended."""

from datetime import timedelta

from pgqueue.calls.finish import FINISH, FINISH_ALL, Ending
from pgqueue.worker.book import Held, Part, Word
from pgqueue.worker.report import report_calls, seconds_of, soonest_return


def part(claim: int, endings: dict[int, Word], *, left: int = 0) -> Part:
    jobs = (*endings, *range(1000, 1000 + left))
    return Part(claim, Held(jobs, 0.0, 0.0, left), endings)


FAILED = Ending(2, 20, "failed", delay=timedelta(seconds=3), run_seconds=2.0)
RETURNED = Ending(2, 21, "returned", delay=timedelta(seconds=1))


def test_nothing_ended_is_no_call() -> None:
    assert report_calls([]) == []


def test_plain_claims_are_told_whole_with_their_times_in_the_order_of_their_jobs() -> None:
    whole = Part(1, Held((10, 11), 0.0, 0.0, 0), {11: 0.2, 10: 0.1})

    (call,) = report_calls([whole, part(3, {30: 0.3})])

    assert call.function is FINISH_ALL
    assert call.values == ([1, 3], [0, 2], [0.1, 0.2, 0.3])


def test_everything_else_is_told_job_by_job_in_one_call() -> None:
    (call,) = report_calls([part(1, {10: 0.1}, left=1), part(2, {20: FAILED})])

    assert call.function is FINISH
    assert call.values[:3] == ([1, 2], [10, 20], ["succeeded", "failed"])
    assert call.values[4] == [0.1, 2.0]


def test_at_most_two_calls_are_made_plain_ones_first() -> None:
    calls = report_calls([part(2, {20: FAILED}), part(1, {10: 0.1}), part(3, {30: 0.1})])

    assert [call.function for call in calls] == [FINISH_ALL, FINISH]


def test_times_are_added_up_where_there_are_any() -> None:
    assert seconds_of([part(1, {10: 0.5}), part(2, {20: FAILED, 21: RETURNED})]) == (2, 2.5)


def test_the_soonest_return_is_the_shortest_delay() -> None:
    assert soonest_return([part(1, {10: 0.5}), part(2, {20: FAILED, 21: RETURNED})]) == 1.0


def test_where_nothing_comes_back_there_is_no_soonest_return() -> None:
    assert soonest_return([part(1, {10: 0.5})]) is None
