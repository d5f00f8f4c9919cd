from pathlib import Path

from benchmarks.plots.soak import draw_soak, lines_of
from benchmarks.relations import Sample
from benchmarks.steadiness import Seen, Shape


def test_the_largest_relation_comes_first_and_the_small_ones_together() -> None:
    sample = {
        "jobs": Sample(900, 0),
        "ready": Sample(990, 0),
        "queues": Sample(4, 0),
        "workers": Sample(3, 0),
    }
    seen = Seen(0.0, [(0.0, {}), (1.0, sample)])

    assert lines_of(seen, "size_bytes") == {
        "ready": [0.0, 990.0],
        "jobs": [0.0, 900.0],
        "others": [0.0, 7.0],
    }


def test_nothing_seen_is_nothing_drawn() -> None:
    assert lines_of(Seen(0.0), "size_bytes") == {}


def test_even_a_soak_without_jobs_has_a_plot(tmp_path: Path) -> None:
    seen = Seen(0.0, [(0.0, {"jobs": Sample(1, 0)}), (30.0, {"jobs": Sample(2, 0)})])

    draw_soak(tmp_path / "soak.png", Shape(60.0, 1.0, jobs=0), seen, title="nothing")

    assert (tmp_path / "soak.png").stat().st_size > 0
