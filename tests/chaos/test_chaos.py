"""A short run of the chaos program: every kind of strike falls once, and every promise is kept."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos import failover
from tests.chaos import run as storm
from tests.chaos.report import show
from tests.chaos.strikes import STRIKES

SECONDS = 5.0  # the deck is dealt to its end all the same


@pytest.mark.slow
async def test_every_promise_is_kept_under_every_strike(tmp_path: Path) -> None:
    plan = storm.Plan(SECONDS, seed=7, strikes=STRIKES, applications=3, strike_pause_seconds=0.6)

    outcome = await storm.run(plan, tmp_path, told=print)
    show(outcome, Console())

    assert outcome.breaches == []
    assert set(outcome.strikes) == set(STRIKES)
    assert sum(map(len, outcome.executions.values())) > 0


@pytest.mark.slow
async def test_a_failover_to_a_synchronous_standby_loses_nothing(tmp_path: Path) -> None:
    outcome = await failover.run(7, SECONDS, tmp_path, told=print)
    show(outcome, Console())

    assert outcome.breaches == []
    assert outcome.strikes == {"primary lost": 1, "standby promoted": 1}
