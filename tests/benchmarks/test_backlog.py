import pytest

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host, connect
from benchmarks.scenarios import backlog
from benchmarks.scenarios.backlog import Backlog, check_backlog
from tests.benchmarks.conftest import OURS, TINY, USUAL, Silence, metrics


def test_every_backlog_is_compared_with_the_smallest() -> None:
    rows = backlog.run([OURS], TINY, Silence())

    for batch in (10, 100):
        mine = [row for row in rows if row.batch == batch]
        assert metrics(mine) == {
            "jobs_per_second",
            "server_cpu_seconds_per_claim",
            "cost_ratio",
            "server_cpu_ratio",
        }
        assert {row.settings["scheduled"] for row in mine if row.metric == "cost_ratio"} == {200}


def test_a_cost_ratio_above_one_is_a_dearer_claim() -> None:
    small = Backlog(OURS, 10, 0)
    large = Backlog(OURS, 100, 0)

    rows = backlog._rows_of(
        {
            small: [{"jobs_per_second": 100.0, "server_cpu_seconds_per_claim": 0.1}],
            large: [{"jobs_per_second": 50.0, "server_cpu_seconds_per_claim": 0.3}],
        },
        batch=10,
    )

    ratios = {row.metric: row.value for row in rows if row.metric.endswith("_ratio")}
    assert ratios == {"cost_ratio": 2.0, "server_cpu_ratio": pytest.approx(3.0)}


@pytest.mark.parametrize("contestant", [OURS, USUAL], ids=lambda contestant: contestant.system)
def test_a_lost_job_fails_the_run(host: Host, contestant: Contestant) -> None:
    with host.database(contestant) as dsn:
        system = connect(contestant, dsn)
        system.fill(3, delay="1 day")
        system.fill(5)
        check_backlog(Backlog(OURS, 5, 3), system)

        with pytest.raises(BenchmarkFailed, match="some are lost"):
            check_backlog(Backlog(OURS, 6, 3), system)
        with pytest.raises(BenchmarkFailed, match="gave less than 10 of 5"):
            backlog.measure(Backlog(OURS, 5, 3), filled={Backlog(OURS, 5, 3): system}, batch=10, jobs=10)
        system.close()
