from benchmarks.scenarios import recovery
from benchmarks.scenarios.recovery import Victim
from tests.benchmarks.conftest import OURS, STREAMS, TINY, Silence


def test_a_killed_worker_s_job_starts_again_in_another() -> None:
    rows = recovery.run([OURS], TINY, Silence())

    assert [(row.metric, row.settings["killed"], row.rounds) for row in rows] == [
        ("restart_p50_seconds", "any", 1),
        ("restart_worst_seconds", "any", 1),
        ("restart_p50_seconds", "on duty", 1),
        ("restart_worst_seconds", "on duty", 1),
    ]
    assert all(0 < row.value < 60 for row in rows)


def test_rows_tell_median_and_worst_by_who_was_killed() -> None:
    seconds: dict[Victim, list[float]] = {"on duty": [4.0, 5.0, 9.0], "off duty": [3.0, 4.0]}

    values = {(row.metric, row.settings["killed"]): row.value for row in recovery._rows_of(OURS, seconds)}

    assert values == {
        ("restart_p50_seconds", "any"): 4.0,
        ("restart_worst_seconds", "any"): 9.0,
        ("restart_p50_seconds", "on duty"): 5.0,
        ("restart_worst_seconds", "on duty"): 9.0,
        ("restart_p50_seconds", "off duty"): 3.5,
        ("restart_worst_seconds", "off duty"): 4.0,
    }


def test_a_killed_consumer_s_entry_starts_again_after_the_idle_time() -> None:
    rows = recovery.run([STREAMS], TINY, Silence())

    assert [(row.system, row.metric, row.settings) for row in rows] == [
        ("redis-streams", metric, {"killed": "any", "min_idle_ms": 5_000})
        for metric in ("restart_p50_seconds", "restart_worst_seconds")
    ]
    # The idle time counts from when the entry was given out, up to a second before the kill.
    assert all(4 < row.value < 60 for row in rows)
