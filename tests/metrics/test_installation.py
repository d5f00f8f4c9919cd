"""Tests of the numbers made of an installation's stats."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pgqueue.calls.stats import HorizonHolder, QueueStats, RelationStats, WorkerStats
from pgqueue.metrics.installation import (
    Increments,
    horizon_numbers,
    queue_numbers,
    relation_numbers,
    worker_numbers,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUEUE = QueueStats("mail", None, 3, 2, 1, 4, (0, 3), timedelta(seconds=90), frozenset({"dead"}))
WORKER = WorkerStats(7, NOON, "here", 1, "0", ("mail", "sms"), 4, is_alive=True, claims=1, jobs=9)


def window(hour: int, *, inserted: int = 0, relation: str = "jobs") -> RelationStats:
    """The partition of an hour, counted from noon."""
    low = NOON + hour * HOUR
    return RelationStats(relation, f"{relation}_{hour}", low, low + HOUR, 100, inserted, NOON)


def default(relation: str = "jobs") -> RelationStats:
    return RelationStats(relation, f"{relation}_default", None, None, 10, 0, NOON)


def test_a_queue_tells_its_depth_by_state() -> None:
    numbers = queue_numbers(QUEUE)

    depths = {key[1][1]: value for key, value in numbers.items() if key[0] == "pgqueue_queue_jobs"}
    guesses = {key[1][1] for key, value in numbers.items() if key[0].endswith("estimated") and value}
    assert depths == {"waiting": 3, "scheduled": 2, "running": 1, "dead": 4}
    assert guesses == {"dead"}
    assert numbers["pgqueue_queue_oldest_job_age_seconds", ("mail",)] == 90
    assert numbers["pgqueue_queue_paused", ("mail",)] == 0


def test_an_empty_queue_has_an_oldest_job_of_no_age() -> None:
    numbers = queue_numbers(replace(QUEUE, oldest_age=None, paused_at=NOON))

    assert numbers["pgqueue_queue_oldest_job_age_seconds", ("mail",)] == 0
    assert numbers["pgqueue_queue_paused", ("mail",)] == 1


def test_only_living_workers_have_slots() -> None:
    numbers = worker_numbers([WORKER, replace(WORKER, id=8, is_alive=False)], ["mail", "forgotten"])

    assert numbers == {
        ("pgqueue_workers", ("alive",)): 1,
        ("pgqueue_workers", ("missing",)): 1,
        ("pgqueue_slots", ()): 4,
        ("pgqueue_busy_slots", ()): 4,
        ("pgqueue_queue_workers", ("mail",)): 1,
        ("pgqueue_queue_workers", ("forgotten",)): 0,
    }


@pytest.mark.parametrize(
    ("hours", "ahead"),
    [((-1, 0, 1, 2), 3), ((0, 2), 1), ((-1,), 0), ((1, 2), 0)],
    ids=["made ahead", "a gap", "past", "begins later"],
)
def test_partitions_reach_as_far_as_they_have_no_gap(hours: tuple[int, ...], ahead: int) -> None:
    numbers = relation_numbers([default(), *map(window, hours)])

    assert numbers["pgqueue_partition_ahead_seconds", ("jobs",)] == ahead * 3600
    assert numbers["pgqueue_partition_window_seconds", ("jobs",)] == 3600
    assert numbers["pgqueue_partitions", ("jobs",)] == 1 + len(hours)
    assert numbers["pgqueue_relation_size_bytes", ("jobs",)] == 10 + 100 * len(hours)


def test_the_oldest_holder_of_a_kind_counts() -> None:
    young = HorizonHolder("transaction", 1, "app", "active", "select", timedelta(seconds=1), 5)
    old = replace(young, age=timedelta(minutes=5), transactions=2)
    hidden = replace(young, age=None, transactions=100)

    numbers = horizon_numbers([young, old, hidden, replace(hidden, kind="slot")])

    assert numbers["pgqueue_horizon_age_seconds", ("transaction",)] == 300
    assert numbers["pgqueue_horizon_age_transactions", ("transaction",)] == 100
    assert numbers["pgqueue_horizon_age_transactions", ("slot",)] == 100
    assert numbers["pgqueue_horizon_age_seconds", ("prepared",)] == 0


def enqueued(increments: Increments, *relations: RelationStats) -> float | list[float]:
    return increments.learn(relations)["pgqueue_jobs_enqueued_total", ()]


def test_what_was_there_before_is_not_counted() -> None:
    increments = Increments()

    assert enqueued(increments, window(0, inserted=100)) == 0
    assert enqueued(increments, window(0, inserted=103)) == 3


def test_a_dropped_partition_takes_nothing_away_and_a_new_one_counts_wholly() -> None:
    increments = Increments()
    enqueued(increments, window(0, inserted=100))

    assert enqueued(increments, window(1, inserted=7)) == 7
    assert enqueued(increments) == 7
    assert enqueued(increments, window(1, inserted=9)) == 9


def test_rows_are_counted_as_the_jobs_they_tell_of() -> None:
    increments = Increments()
    enqueued(increments, window(0, inserted=100))

    assert enqueued(increments, replace(window(0, inserted=104), density=62.5)) == 250


def test_where_the_server_begins_to_count_anew_all_of_it_is_new() -> None:
    increments = Increments()
    enqueued(increments, window(0, inserted=100))

    assert enqueued(increments, window(0, inserted=4)) == 4
