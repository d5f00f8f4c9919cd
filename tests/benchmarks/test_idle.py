from benchmarks.scenarios import idle
from tests.benchmarks.conftest import OURS, STREAMS, TINY, Silence, metrics


def test_both_fleets_sleep_cheaply_and_are_woken() -> None:
    rows = idle.run([OURS, STREAMS], TINY, Silence())

    for system in ("pgqueue", "redis-streams"):
        assert metrics([row for row in rows if row.system == system]) == {
            "queries_per_second_per_worker",
            "server_cpu_cores",
            "fleet_cpu_cores",
            "pickup_p50_seconds",
            "pickup_p99_seconds",
            "pickup_from_return_p50_seconds",
            "pickup_from_return_p99_seconds",
            "enqueue_p50_seconds",
        }
    assert [row for row in rows if row.settings == {"workers": 0}]
