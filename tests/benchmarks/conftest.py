"""One benchmark server for all scenarios under test, and plans small enough for seconds."""

from collections.abc import Iterator

import pytest

from benchmarks.contestants import Contestant
from benchmarks.host import Host, postgres_host
from benchmarks.plan import Plan
from benchmarks.rows import Row

TINY = Plan(rounds=1, divisor=10_000, seconds=1, minutes=0.05)
OURS = Contestant("pgqueue", "fsync")
USUAL = Contestant("usual-table", "fsync")
STREAMS = Contestant("redis-streams", "fsync")


class Silence:
    """Hears of the progress and says nothing."""

    def begin(self, title: str, turns: int) -> None:
        self.turns = turns

    def advance(self) -> None:
        self.turns -= 1


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    with postgres_host() as host:
        yield host


def metrics(rows: list[Row]) -> set[str]:
    return {row.metric for row in rows}
