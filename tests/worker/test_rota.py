"""Tests of the rota: in which order a worker looks at its queues."""

import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from pgqueue.worker.rota import Rota


def test_a_strict_rota_keeps_the_order_given() -> None:
    rota = Rota(["c", "a", "b"], strict=True)

    assert {rota.order() for _ in range(20)} == {("c", "a", "b")}


def test_every_queue_is_in_every_order() -> None:
    rota = Rota({"a": 1000, "b": 0.001})

    assert all(sorted(rota.order()) == ["a", "b"] for _ in range(100))


def test_a_queue_of_weight_three_comes_first_three_times_as_often() -> None:
    rota = Rota({"a": 3, "b": 1}, draw=random.Random(1).random)

    firsts = Counter(rota.order()[0] for _ in range(4000))

    assert 2.6 < firsts["a"] / firsts["b"] < 3.4


def test_names_alone_weigh_the_same() -> None:
    draws = itertools.cycle([0.1, 0.9])

    assert Rota(["a", "b"], draw=lambda: next(draws)).order() == ("b", "a")


def test_a_queue_named_twice_is_looked_at_once() -> None:
    assert Rota(["a", "a"]).order() == ("a",)


@pytest.mark.parametrize(
    ("queues", "error", "message"),
    [
        ([], ValueError, "at least one queue"),
        ({"a": 0}, ValueError, "weight 0 of queue 'a'"),
        ({"a": -1}, ValueError, "weight -1 of queue 'a'"),
        ("mail", TypeError, "the text 'mail'"),
    ],
)
def test_what_is_no_set_of_queues_is_refused(
    queues: Sequence[str] | Mapping[str, float], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Rota(queues)
