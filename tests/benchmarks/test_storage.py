import pytest

from benchmarks.host import Host
from benchmarks.scenarios import storage
from benchmarks.scenarios.storage import measure_log, measure_room
from benchmarks.systems.pgqueue import PgQueue
from tests.benchmarks.conftest import OURS, STREAMS, TINY, Silence


def test_log_and_room_are_told_for_both_systems() -> None:
    silence = Silence()

    rows = storage.run([OURS, STREAMS], TINY, silence)

    assert silence.turns == 0
    sizes = {(row.system, row.metric, *row.settings.values(), row.batch): row.value for row in rows}
    for system in ("pgqueue", "redis-streams"):
        for batch in (1, 1_000):
            steps = [sizes[system, "log_bytes_per_job", of, batch] for of in ("enqueue", "claim", "finish")]
            assert all(size > 0 for size in steps)
            assert sizes[system, "log_bytes_per_job", "all", batch] == pytest.approx(sum(steps))
    single, shared = (sizes["pgqueue", "log_bytes_per_job", "enqueue", batch] for batch in (1, 1_000))
    assert single > 200  # the body alone has a hundred
    assert 100 < shared < single / 2  # many share a row, and each brings its body
    assert sizes["redis-streams", "memory_bytes_per_job", "waiting", 100] > 50


def test_the_history_is_part_of_what_a_finished_job_takes(host: Host) -> None:
    room = measure_room(OURS, host=host, jobs=10_000)  # fewer share one page of what is dropped

    assert 0 < room["history"] < room["finished"]
    assert room["waiting"] > 100


def test_the_log_of_a_larger_body_is_larger(dsn: str) -> None:
    system = PgQueue(dsn, "fsync")
    small = measure_log(system, jobs=100, batch=100)
    system.carry("x" * 1_100)

    large = measure_log(system, jobs=100, batch=100)

    system.close()
    assert large["enqueue"] - small["enqueue"] == pytest.approx(1_000, abs=300)
