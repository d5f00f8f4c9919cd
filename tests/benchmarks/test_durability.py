import pytest

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.scenarios import durability
from benchmarks.scenarios.durability import Strike, rows_of_strikes
from tests.benchmarks.conftest import OURS, TINY, Silence

MEMORY = Contestant("redis-streams", "memory")


def test_a_kill_costs_memory_everything_and_fsync_nothing() -> None:
    silence = Silence()

    rows = durability.run([OURS, MEMORY], TINY, silence)

    assert silence.turns == 0
    values = {(row.system, row.metric): row.value for row in rows}
    assert values["pgqueue", "acknowledged_jobs"] > 0
    assert values["pgqueue", "lost_jobs"] == 0
    assert values["redis-streams", "acknowledged_jobs"] > 0
    assert values["redis-streams", "lost_jobs"] == values["redis-streams", "acknowledged_jobs"]


def test_losses_are_summed_and_the_worst_is_named() -> None:
    strikes = [Strike(10, 0, 1.0), Strike(20, 5, 2.0), Strike(30, 7, 4.0)]

    values = {row.metric: row.value for row in rows_of_strikes(MEMORY, strikes)}

    assert values == {
        "acknowledged_jobs": 60,
        "lost_jobs": 12,
        "lost_jobs_worst_kill": 7,
        "kills_with_loss": 2,
        "restart_seconds": 2.0,
    }


def test_a_durable_job_lost_fails_the_run() -> None:
    with pytest.raises(BenchmarkFailed, match="pgqueue:fsync lost 1 acknowledged jobs in 1 kills"):
        rows_of_strikes(OURS, [Strike(10, 1, 1.0)])
