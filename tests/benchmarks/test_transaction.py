from dataclasses import replace

import pytest

from benchmarks.application import Application, Way
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host
from benchmarks.scenarios import transaction
from benchmarks.shops import Astray, open_shop
from tests.benchmarks.conftest import OURS, STREAMS, TINY, Silence


class Killed(Exception):
    """Stands for kill -9 at a chosen moment."""


class DiesBeforeAdding(Application):
    def _add(self, order: int) -> None:
        raise Killed


class DiesAfterAdding(Application):
    def _add(self, order: int) -> None:
        super()._add(order)
        raise Killed


def test_cost_and_kills_are_told_for_both_systems() -> None:
    silence = Silence()

    rows = transaction.run([OURS, STREAMS], replace(TINY, seconds=0.2), silence)

    assert silence.turns == 0
    compared = {(row.system, *row.settings.values()) for row in rows if row.metric == "ratio_to_no_job"}
    assert compared == {
        (system, way, clients)
        for system, way in (("pgqueue", "same transaction"), ("redis-streams", "commit, then XADD"))
        for clients in (1, 8)
    }
    killed = [row for row in rows if "kills" in row.settings]
    assert len(killed) == 2 * 3
    assert [row.value for row in killed if row.system == "pgqueue"] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("way", "dying", "astray"),
    [
        ("commit, then XADD", DiesBeforeAdding, Astray(1, 0)),
        ("XADD, then commit", DiesAfterAdding, Astray(0, 1)),
    ],
    ids=["lost", "invented"],
)
def test_what_a_kill_in_between_leaves_is_counted(
    host: Host, way: Way, dying: type[Application], astray: Astray
) -> None:
    with open_shop(STREAMS, way, host) as shop:
        whole, broken = Application(shop.open_till()), dying(shop.open_till())
        whole.place(1)

        with pytest.raises(Killed):
            broken.place(2)
        whole.close()
        broken.close()

        assert shop.astray() == astray
        with pytest.raises(BenchmarkFailed, match=way):
            shop.check()
