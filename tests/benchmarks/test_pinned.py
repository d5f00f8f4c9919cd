import pytest

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.flow import Flow
from benchmarks.horizon import horizon
from benchmarks.host import Host, connect
from benchmarks.scenarios.pinned import Stretch, _rows_of, check_accounts, measure
from tests.benchmarks.conftest import OURS, USUAL, metrics


@pytest.mark.parametrize(
    "stretch",
    [
        Stretch(OURS, "client", None, is_pinned=True),
        Stretch(OURS, "worker", None, is_pinned=False),
        Stretch(USUAL, "client", 2_000, is_pinned=True),
    ],
    ids=lambda stretch: f"{stretch.contestant.system} by {stretch.through}",
)
def test_a_stretch_yields_what_it_promises(host: Host, stretch: Stretch) -> None:
    figures = measure(stretch, host=host, seconds=1)

    assert figures["jobs_per_second"] > 0
    assert "last_third_over_first" in figures
    assert ("claim_p99_seconds" in figures) == (stretch.through == "client")
    if stretch.is_pinned:
        assert [name for name in figures if name.startswith("dead tuples of ")]


def test_pinned_rows_carry_ratios_and_dead_tuples_by_relation() -> None:
    free, pinned = (Stretch(OURS, "client", None, is_pinned=is_pinned) for is_pinned in (False, True))
    readings = {"jobs_per_second": 100.0, "claim_p99_seconds": 0.002}
    slower = {
        "jobs_per_second": 90.0,
        "claim_p99_seconds": 0.004,
        "dead tuples of ready": 7.0,
        "jobs per second at 0.50": 80.0,
    }

    rows = _rows_of(pinned, {free: [readings], pinned: [slower]})

    values = {row.metric: row.value for row in rows}
    assert metrics(rows) == {
        "jobs_per_second",
        "claim_p99_seconds",
        "dead_tuples",
        "jobs_per_second_at",
        "throughput_ratio",
        "claim_p99_ratio",
    }
    assert (values["throughput_ratio"], values["claim_p99_ratio"]) == (0.9, 2.0)
    (dead,) = (row for row in rows if row.metric == "dead_tuples")
    (then,) = (row for row in rows if row.metric == "jobs_per_second_at")
    assert (then.settings["second"], then.value) == (0.5, 80.0)
    assert (dead.settings["relation"], dead.settings["horizon"], dead.value) == ("ready", "pinned", 7.0)


def test_the_snapshot_pins_what_vacuum_would_remove(host: Host) -> None:
    with host.database(USUAL) as dsn, horizon(dsn, is_pinned=True):
        pinned = host.admin.execute(
            "select count(*) from pg_stat_activity where backend_xmin is not null and datname <> 'postgres'"
            " and state = 'idle in transaction'"
        ).fetchall()

    assert pinned == [(1,)]


@pytest.mark.parametrize("contestant", [OURS, USUAL], ids=lambda contestant: contestant.system)
def test_a_lost_job_fails_the_run(host: Host, contestant: Contestant) -> None:
    flow = Flow(parties=1)
    with host.database(contestant) as dsn:
        system = connect(contestant, dsn)
        system.enqueue(10)
        flow.enqueued.value = 10
        check_accounts(system, flow, finished=0)
        assert system.consume(3) == 3
        check_accounts(system, flow, finished=3)

        flow.enqueued.value += 1

        with pytest.raises(BenchmarkFailed, match="1 are lost"):
            check_accounts(system, flow, finished=3)
        system.close()
