"""A short drill, a dozen times as quick as a cluster: more workers, fewer, and no job is lost."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.drill import manifests
from tests.drill.autoscaler import SYNC_SECONDS, quickened
from tests.drill.command import show
from tests.drill.ledger import ran
from tests.drill.load import Phase
from tests.drill.plot import draw
from tests.drill.run import Plan, run
from tests.drill.verdict import breaches

QUICKER = 12
SCALING = replace(quickened(manifests.scaling(), by=30), target=40, highest=4)
PLAN = Plan(
    phases=(Phase(10, 1), Phase(400, 3), Phase(10, 1)),
    seed=1,
    scaling=SCALING,
    job_seconds=0.05,
    concurrency=2,
    sampling_seconds=0.2,
    scraping_seconds=0.2,
    syncing_seconds=SYNC_SECONDS / QUICKER,
)


@pytest.mark.slow
async def test_workers_come_and_go_and_no_job_is_lost(tmp_path: Path) -> None:
    seen = await run(PLAN, tmp_path, told=print)
    counted = ran(tmp_path / "ran")
    show(Console(), PLAN, seen, counted)
    draw(tmp_path / "drill.png", PLAN, seen)

    assert breaches(seen, counted, SCALING) == []
    assert {decision.after > decision.before for decision in seen.decisions} == {True, False}
    assert counted.total() >= seen.committed > 1000
    assert (tmp_path / "drill.png").read_bytes().startswith(b"\x89PNG")
