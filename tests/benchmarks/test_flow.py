import pytest

from benchmarks.flow import SLICES, WARM_UP_SLICES, Timeline, last_over_first, per_second


def test_a_timeline_counts_by_the_slice_and_drops_what_is_late() -> None:
    timeline = Timeline(began=100.0, seconds=30.0)
    timeline.add(5, at=100.5)
    timeline.add(7, at=129.9)
    timeline.add(9, at=130.1)

    assert timeline.counts[0] == 5
    assert timeline.counts[-1] == 7
    assert sum(timeline.counts) == 12
    assert not timeline.is_warm(102.9)
    assert timeline.is_warm(103.1)


def test_the_warm_up_is_in_no_rate() -> None:
    counts = [1_000] * WARM_UP_SLICES + [10] * (SLICES - WARM_UP_SLICES)

    assert per_second(counts, seconds=30.0) == pytest.approx(10.0)
    assert last_over_first(counts) == 1.0


def test_a_decline_shows() -> None:
    counts = [0] * WARM_UP_SLICES + [40] * 9 + [20] * 9 + [10] * 9

    assert last_over_first(counts) == 0.25
    assert last_over_first([0] * SLICES) == 0.0
