import time

from benchmarks.latency import due_moments, percentile


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([], 0.5) == 0.0


def test_who_stalls_is_given_the_moments_missed_at_once() -> None:
    moments = due_moments(per_second=1_000, seconds=0.05)
    first = next(moments)
    time.sleep(0.1)  # the stall that is tested: longer than all the moments there are

    rest = list(moments)

    assert len(rest) == 49
    assert time.monotonic() - rest[0] > 0.09  # it was due long ago, and counts from then
    assert abs(rest[-1] - first - 0.049) < 1e-6
