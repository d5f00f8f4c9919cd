"""Tests of adding numbers up and showing them."""

from collections.abc import Iterator

import pytest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from pgqueue.metrics import catalogue
from pgqueue.metrics.catalogue import Metric
from pgqueue.metrics.numbers import Numbers, added, counted, empty, families
from tests.metrics.reading import read

SLOTS = (catalogue.WORKER_SLOTS.name, ())
LOST = (catalogue.JOBS_LOST.name, ())
ATTEMPTS = (catalogue.JOB_ATTEMPTS.name, ("send",))


class Telling(Collector):
    """Tells these numbers."""

    def __init__(self, numbers: Numbers, *metrics: Metric) -> None:
        self.numbers, self.metrics = numbers, metrics

    def collect(self) -> Iterator[Family]:
        return families(self.numbers, self.metrics)


def attempts(*counts: float, total: float) -> list[float]:
    """A histogram of attempts, the first buckets given."""
    value = empty(catalogue.JOB_ATTEMPTS)
    value[: len(counts)] = counts
    value[-1] = total
    return value


def test_numbers_of_two_processes_are_added_up() -> None:
    one: Numbers = {SLOTS: 5, ATTEMPTS: attempts(2, 1, total=4)}
    other: Numbers = {SLOTS: 7, LOST: 1, ATTEMPTS: attempts(1, total=1)}

    assert added([one, other]) == {SLOTS: 12, LOST: 1, ATTEMPTS: attempts(3, 1, total=5)}
    assert one[ATTEMPTS] == attempts(2, 1, total=4)


def test_nothing_added_up_is_nothing() -> None:
    assert added([]) == {}


def test_a_histogram_and_a_number_are_not_added() -> None:
    with pytest.raises(TypeError):
        added([{ATTEMPTS: 1}, {ATTEMPTS: attempts(total=1)}])


def test_of_one_who_is_gone_the_counts_remain() -> None:
    assert counted({SLOTS: 5, LOST: 1, ATTEMPTS: attempts(1, total=1)}) == {
        LOST: 1,
        ATTEMPTS: attempts(1, total=1),
    }


def test_a_histogram_is_shown_with_buckets_that_hold_those_before() -> None:
    reading = read(Telling({ATTEMPTS: attempts(2, 1, total=4)}, catalogue.JOB_ATTEMPTS))

    name = catalogue.JOB_ATTEMPTS.name
    assert [reading(f"{name}_bucket", task="send", le=bound) for bound in ("1.0", "2.0", "20.0", "+Inf")] == [
        2,
        3,
        3,
        3,
    ]
    assert (reading(f"{name}_sum", task="send"), reading(f"{name}_count", task="send")) == (4, 3)


def test_counters_and_gauges_are_shown_as_such() -> None:
    reading = read(Telling({SLOTS: 5, LOST: 1}, catalogue.WORKER_SLOTS, catalogue.JOBS_LOST))

    assert (reading("pgqueue_worker_slots"), reading("pgqueue_worker_jobs_lost_total")) == (5, 1)
    assert reading.kinds == {"pgqueue_worker_slots": "gauge", "pgqueue_worker_jobs_lost": "counter"}
