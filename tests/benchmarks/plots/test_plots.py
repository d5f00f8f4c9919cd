from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.plots.latency import draw_latency, waited_longer
from benchmarks.plots.lifecycle import draw_lifecycle
from benchmarks.plots.pinned import draw_pinned
from benchmarks.plots.style import colours_of, plain
from benchmarks.rows import Row
from tests.benchmarks.report.rows import row

BATCHES = [row(system, 10.0, batch=batch) for system in ("pgqueue", "redis-streams") for batch in (1, 10)]
OVER_TIME = [
    row(
        "pgqueue",
        5.0,
        metric="jobs_per_second_at",
        second=second,
        through="client",
        load="l",
        horizon=horizon,
    )
    for horizon in ("free", "pinned")
    for second in (0.5, 1.5)
]
BUCKETS = [
    row("pgqueue", 5.0, metric="latency_bucket", upper_seconds=upper, rate=rate)
    for rate in ("idle", 100, 1_000)
    for upper in (0.001, 0.002)
]


@pytest.mark.parametrize(
    ("draw", "rows"),
    [
        (draw_lifecycle, BATCHES),
        (draw_lifecycle, []),
        (draw_pinned, OVER_TIME),
        (draw_pinned, []),
        (draw_latency, BUCKETS),
        (draw_latency, []),
    ],
)
def test_a_plot_is_drawn_of_much_and_of_nothing(
    tmp_path: Path, draw: Callable[[Path, Sequence[Row]], None], rows: Sequence[Row]
) -> None:
    draw(tmp_path / "plot.png", rows)

    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_tail_is_what_lies_above_a_bucket() -> None:
    assert waited_longer([5.0, 4.0, 1.0]) == pytest.approx([0.5, 0.1, 0.0])
    assert waited_longer([0.0]) == [0.0]


def test_a_system_keeps_its_colour_and_others_get_different_ones() -> None:
    colours = colours_of([row(system, 1.0) for system in ("saq", "pgqueue", "arq")])

    assert colours["pgqueue"] == colours_of([])["pgqueue"]
    assert len({colours[name] for name in ("pgqueue", "redis-streams", "usual-table", "saq", "arq")}) == 5


def test_ticks_read_as_people_write_numbers() -> None:
    assert [plain(value) for value in (0.001, 0.5, 1.0, 100.0, 10_000.0)] == [
        "0.001",
        "0.5",
        "1",
        "100",
        "10,000",
    ]
