"""A failover as the chaos program makes it: nothing is lost, and no living worker's jobs are taken."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.failover import run
from tests.chaos.report import show

SECONDS = 2.0  # of load before the loss, and as many after


@pytest.mark.slow
async def test_a_failover_to_a_synchronous_standby_loses_nothing(tmp_path: Path) -> None:
    outcome = await run(7, SECONDS, tmp_path, told=print)
    show(outcome, Console())

    assert outcome.breaches == []
    assert outcome.strikes == {"primary lost": 1, "standby promoted": 1}
