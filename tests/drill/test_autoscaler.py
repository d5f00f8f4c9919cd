"""Tests of the autoscaler's arithmetic; the documentation's own examples are among them."""

import pytest

from tests.drill.autoscaler import Autoscaler, Policy, Rules, Scaling, lag_began, recommended

ANY_NUMBER = Policy("Pods", 1000, 15)
AT_ONCE = Rules(0, (ANY_NUMBER,))


def scaling(*, up: Rules = AT_ONCE, down: Rules = AT_ONCE) -> Scaling:
    return Scaling(lowest=2, highest=50, target=500, up=up, down=down)


@pytest.mark.parametrize(
    ("current", "metric", "replicas"),
    [
        (1, 200 * 1, 2),  # the documentation: 200m against 100m doubles the pods
        (2, 50 * 2, 1),  # and 50m halves them
        (10, 1099, 10),  # within the tolerance
        (10, 1101, 12),
        (10, 901, 10),
        (10, 899, 9),
        (3, 0, 0),
    ],
)
def test_the_formula(current: int, metric: float, replicas: int) -> None:
    assert recommended(current, metric, target=100) == replicas


@pytest.mark.parametrize(("metric", "replicas"), [(0, 2), (500 * 17, 17), (10**9, 50)])
def test_it_stays_between_the_lowest_and_the_highest(metric: float, replicas: int) -> None:
    assert Autoscaler(scaling()).decide(4, metric, at=0) == replicas


def test_without_a_metric_nothing_is_done() -> None:
    assert Autoscaler(scaling()).decide(7, None, at=0) == 7


def test_the_widest_policy_for_more_holds() -> None:
    up = Rules(0, (Policy("Percent", 100, 15), Policy("Pods", 4, 15)))
    scaler, replicas, course = Autoscaler(scaling(up=up)), 2, []
    for step in range(5):
        replicas = scaler.decide(replicas, 10**6, at=15.0 * step)
        course.append(replicas)

    assert course == [6, 12, 24, 48, 50]


def test_what_was_added_in_a_policys_period_counts() -> None:
    scaler = Autoscaler(scaling(up=Rules(0, (Policy("Pods", 4, 60),))))

    assert [scaler.decide(2, 10**6, at=0), scaler.decide(6, 10**6, at=30)] == [6, 6]
    assert scaler.decide(6, 10**6, at=60) == 10


def test_a_policy_slows_down_the_way_down() -> None:
    scaler = Autoscaler(scaling(down=Rules(0, (Policy("Percent", 10, 60),))))

    assert scaler.decide(50, 0, at=0) == 45


def test_less_is_done_only_once_the_window_wants_no_more() -> None:
    scaler = Autoscaler(scaling(down=Rules(60, (ANY_NUMBER,))))

    assert scaler.decide(2, 4000, at=0) == 8
    assert scaler.decide(8, 0, at=15) == 8
    assert scaler.decide(8, 1500, at=45) == 8
    assert scaler.decide(8, 0, at=60) == 3
    assert scaler.decide(3, 0, at=105) == 2


def test_more_is_done_only_once_its_window_has_wanted_it_all_along() -> None:
    scaler = Autoscaler(scaling(up=Rules(30, (ANY_NUMBER,))))

    assert scaler.decide(2, 0, at=0) == 2
    assert scaler.decide(2, 4000, at=15) == 2
    assert scaler.decide(2, 4000, at=30) == 8


def test_lag_begins_with_the_first_job_too_many() -> None:
    depths = [(0.0, 10.0), (1.0, 220.0), (2.0, 221.0), (3.0, 500.0)]

    assert lag_began(depths, 2, 100) == 2.0
    assert lag_began(depths[:2], 2, 100) is None
