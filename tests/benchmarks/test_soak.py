from dataclasses import replace
from pathlib import Path

from benchmarks.registry import SCENARIOS
from benchmarks.scenarios import soak
from tests.benchmarks.conftest import OURS, TINY, Silence, metrics

PNG = b"\x89PNG"


def test_a_soak_accounts_for_every_job_and_draws_its_plot(tmp_path: Path) -> None:
    plot = tmp_path / "new folder" / "soak.png"

    rows = SCENARIOS["soak"].run([OURS], replace(TINY, plot=plot), Silence())

    assert plot.read_bytes().startswith(PNG)
    whole = [row for row in rows if "relation" not in row.settings]
    assert {"size_bytes", "dead_tuples_most", "pickup_p99_last_over_middle"} < metrics(whole)
    assert {"jobs", "ready", "claims", "outcomes"} <= {row.settings.get("relation") for row in rows}
    assert {row.settings["window_seconds"] for row in rows} == {soak.SHORTEST_WINDOW_SECONDS}
