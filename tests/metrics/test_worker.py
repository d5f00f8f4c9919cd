"""Tests of what a worker counts of itself."""

from datetime import timedelta

import pytest

from pgqueue import WorkerMetrics
from pgqueue.calls.finish import Ended, Ending
from pgqueue.metrics.catalogue import WORKER
from pgqueue.metrics.worker import OUTCOMES
from pgqueue.worker.counts import MeteredCounts
from tests.metrics.reading import read
from tests.worker.deliveries import NOON, delivery, lease


@pytest.fixture
def metrics() -> WorkerMetrics:
    """Of a worker that knows one task."""
    metrics = WorkerMetrics()
    metrics.begin({"send"}, dict)
    return metrics


@pytest.fixture
def counts(metrics: WorkerMetrics) -> MeteredCounts:
    return MeteredCounts(metrics)


def test_an_attempt_is_counted_when_it_starts_and_when_it_ends(
    metrics: WorkerMetrics, counts: MeteredCounts
) -> None:
    counts.start(delivery())
    counts.start(delivery())
    counts.ended(delivery(attempt=3), None, seconds=0.2)
    reading = read(metrics)

    assert (counts.started, counts.succeeded) == (2, 1)
    assert reading("pgqueue_worker_attempts_started_total", queue="q", task="send") == 2
    ended = "pgqueue_worker_attempts_ended_total"
    assert {name: reading(ended, queue="q", task="send", outcome=name) for name in OUTCOMES} == {
        "succeeded": 1,
        "retried": 0,
        "dead": 0,
        "cancelled": 0,
        "returned": 0,
    }
    assert reading("pgqueue_worker_run_seconds_sum", task="send") == 0.2
    assert reading("pgqueue_worker_run_seconds_bucket", task="send", le="0.1") == 0
    assert reading("pgqueue_worker_run_seconds_bucket", task="send", le="0.25") == 1
    assert reading("pgqueue_worker_job_attempts_bucket", task="send", le="3.0") == 1


@pytest.mark.parametrize(
    ("state", "attempt", "outcome"),
    [
        ("failed", 1, "retried"),
        ("failed", 5, "dead"),
        ("cancelled", 1, "cancelled"),
        ("returned", 1, "returned"),
    ],
)
def test_each_ending_is_an_outcome_of_its_name(
    metrics: WorkerMetrics, counts: MeteredCounts, state: Ended, attempt: int, outcome: str
) -> None:
    counts.ended(delivery(attempt=attempt), Ending(1, 7, state))
    reading = read(metrics)

    ended = "pgqueue_worker_attempts_ended_total"
    assert [name for name in OUTCOMES if reading(ended, queue="q", task="send", outcome=name)] == [outcome]
    assert reading("pgqueue_worker_run_seconds_count", task="send") == 0  # it never ran
    jobs_ended = reading("pgqueue_worker_job_attempts_count", task="send")
    assert jobs_ended == (1 if outcome == "dead" else 0)


def test_pickup_is_from_due_to_claimed(metrics: WorkerMetrics, counts: MeteredCounts) -> None:
    late = delivery(visible_at=NOON - timedelta(seconds=2))
    counts.claimed(lease(late, delivery(queue="other")))
    counts.claimed(lease(claim=None))
    reading = read(metrics)

    assert (counts.claims, counts.empty_claims) == (1, 1)
    assert reading("pgqueue_worker_pickup_seconds_sum", queue="q") == 2
    assert reading("pgqueue_worker_pickup_seconds_bucket", queue="other", le="0.001") == 1


def test_names_that_whoever_enqueues_made_up_are_no_labels(
    metrics: WorkerMetrics, counts: MeteredCounts
) -> None:
    for number in range(100):
        made_up = delivery()._replace(task=f"made up {number}")
        counts.start(made_up)
        counts.ended(made_up, Ending(1, 7, "returned"))
    reading = read(metrics)

    assert reading("pgqueue_worker_attempts_started_total", queue="q", task="(unknown)") == 100
    assert reading.label_values("task") == {"(unknown)"}
    assert len(metrics._tallies) == 1


def test_no_two_workers_share_their_metrics(metrics: WorkerMetrics) -> None:
    with pytest.raises(RuntimeError, match="another worker"):
        metrics.begin({}, dict)


def test_what_is_expected_begins_at_nothing() -> None:
    metrics = WorkerMetrics()
    metrics.begin({"send"}, dict, expected=[("q", "send")])
    reading = read(metrics)

    assert reading("pgqueue_worker_attempts_ended_total", queue="q", task="send", outcome="dead") == 0
    assert reading("pgqueue_worker_run_seconds_count", task="send") == 0
    assert reading("pgqueue_worker_pickup_seconds_count", queue="q") == 0


def test_a_worker_that_did_nothing_tells_nothing_false(metrics: WorkerMetrics) -> None:
    reading = read(metrics)

    assert reading.names() == set()
    assert len(reading.kinds) == len(WORKER)
