"""A short run of the chaos program: every kind of strike falls once, and every promise is kept."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.report import show
from tests.chaos.run import Plan, run
from tests.chaos.strikes import STRIKES

SECONDS = 5.0  # the deck is dealt to its end all the same


@pytest.mark.slow
async def test_every_promise_is_kept_under_every_strike(tmp_path: Path) -> None:
    plan = Plan(SECONDS, seed=7, strikes=STRIKES, applications=3, strike_pause_seconds=0.6)

    outcome = await run(plan, tmp_path, told=print)
    show(outcome, Console())

    assert outcome.breaches == []
    assert set(outcome.strikes) == set(STRIKES)
    assert sum(map(len, outcome.executions.values())) > 0
