import time
from dataclasses import replace
from itertools import pairwise

import pytest

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host
from benchmarks.latency import due_batches, due_moments, histogram, percentile
from benchmarks.lines import check_line, open_line
from benchmarks.scenarios import latency
from tests.benchmarks.conftest import OURS, STREAMS, TINY, Silence, metrics


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


def test_a_producer_is_given_all_that_is_due_at_once_each_with_its_moment() -> None:
    batches = due_batches(per_second=1_000, seconds=0.05)
    first = next(batches)
    time.sleep(0.1)  # the stall that is tested: longer than all the moments there are

    (rest,) = list(batches)

    moments = first + rest
    assert len(moments) == 50
    assert {later - earlier for earlier, later in pairwise(moments)} == {1_000_000}


def test_a_histogram_counts_every_value_below_its_upper_bound() -> None:
    values = [0.0, 9e-6, 1.1e-5, 0.0012, 0.0012, 3.0]

    counts = histogram(values)

    assert sum(counts.values()) == len(values)
    assert [count for _, count in sorted(counts.items())] == [2, 1, 2, 1]
    assert all(any(upper / 1.26 < value <= upper for upper in counts) for value in values[2:])


def test_every_rate_is_measured_for_both_systems() -> None:
    rows = latency.run([OURS, STREAMS], replace(TINY, seconds=0.2), Silence())

    percentiles = {f"latency_{name}_seconds" for name in ("p50", "p95", "p99", "p999")}
    for system in ("pgqueue", "redis-streams"):
        for rate, jobs in {"idle": 1, 100: 20, 1_000: 200, 5_000: 1_000}.items():
            mine = [row for row in rows if row.system == system and row.settings["rate"] == rate]
            counted = jobs - jobs // 10
            assert metrics(mine) - {"achieved_per_second"} == percentiles | {"latency_bucket"}
            assert sum(row.value for row in mine if row.metric == "latency_bucket") == counted


@pytest.mark.parametrize("contestant", [OURS, STREAMS], ids=lambda contestant: contestant.system)
def test_a_job_that_starts_twice_or_never_fails_the_run(host: Host, contestant: Contestant) -> None:
    with open_line(contestant, host) as line:
        line.send([(0, 0), (1, 0), (1, 0)])
        line.await_count(3)

        with pytest.raises(BenchmarkFailed, match="of 2 jobs 2 started, 3 times in all"):
            check_line(line, 0, 2)
        with pytest.raises(BenchmarkFailed, match="of 4 jobs 2 started"):
            check_line(line, 0, 4)
