import pytest

from benchmarks.report.figures import number, shown, times_better


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("jobs_per_second", 12_345.6, "12,346"),
        ("throughput_ratio", 0.9731, "0.973"),
        ("pickup_p50_seconds", 0.00123, "1.23 ms"),
        ("pickup_p50_seconds", 0.000045, "45 µs"),
        ("restart_p50_seconds", 4.25, "4.25 s"),
        ("cpu_microseconds_per_job", 3.14159, "3.14 µs"),
        ("log_bytes_per_job", 1_310, "1.31 kB"),
        ("size_bytes", 12, "12 B"),
    ],
)
def test_a_figure_is_shown_with_its_unit(metric: str, value: float, text: str) -> None:
    assert shown(metric, value) == text


def test_no_figure_is_rounded_to_nothing() -> None:
    assert number(0.00000123) == "1.23e-06"


def test_above_one_is_better_for_us_whichever_way_the_metric_goes() -> None:
    assert times_better("jobs_per_second", 300.0, 200.0) == 1.5
    assert times_better("pickup_p50_seconds", 2.0, 3.0) == 1.5
    assert times_better("queries_per_second_per_worker", 2.0, 3.0) == 1.5


def test_what_is_no_amount_of_anything_is_not_compared() -> None:
    assert times_better("throughput_ratio", 1.0, 0.5) is None
    assert times_better("jobs_per_second", 1.0, 0.0) is None
    assert times_better("pickup_p50_seconds", 1.0, 0.0) is None
