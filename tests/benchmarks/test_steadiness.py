from collections.abc import Mapping

from benchmarks.relations import Sample
from benchmarks.soaking import Heard, Timed
from benchmarks.steadiness import Seen, Shape, by_relation, judged

SHAPE = Shape(seconds=90.0, window_seconds=1.0, jobs=90)


def seen() -> Seen:
    """Ninety seconds from moment 1,000: sizes double in the last third, and pickups take half as long."""
    samples: list[tuple[float, Mapping[str, Sample]]] = [
        (1000.0 + second, {"jobs": Sample(100 if second < 60 else 200, 5), "ready": Sample(100, second)})
        for second in range(90)
    ]
    enqueues = [Timed(1000.0 + second, 0.001) for second in range(90)]
    pickups = [Timed(1000.0 + second, 0.004 if second < 60 else 0.002) for second in range(90)]
    return Seen(1000.0, samples, enqueues, Heard(pickups))


def test_growth_shows_and_what_is_flat_is_one() -> None:
    figures = judged(SHAPE, seen())

    assert figures["size_bytes"] == 300.0
    assert figures["size_bytes_last_over_middle"] == 1.5
    assert figures["dead_tuples_most"] == 94.0
    assert figures["enqueue_p99_last_over_middle"] == 1.0
    assert figures["pickup_p99_last_over_middle"] == 0.5


def test_each_relation_is_judged_by_the_last_third() -> None:
    found = by_relation(SHAPE, seen())

    assert found["jobs"] == {"size_bytes": 200.0, "dead_tuples": 5.0}
    assert found["ready"]["dead_tuples"] == 74.5


def test_a_soak_that_saw_nothing_divides_by_nothing() -> None:
    assert set(judged(SHAPE, Seen(1000.0)).values()) == {0.0}
