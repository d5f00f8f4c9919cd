import pytest

from benchmarks.claimers import Drained, seconds_of
from benchmarks.failures import BenchmarkFailed
from benchmarks.scenarios import contention
from tests.benchmarks.conftest import OURS, STREAMS, TINY, Silence


def test_every_number_of_claimers_drains_the_queue() -> None:
    rows = contention.run([OURS, STREAMS], TINY, Silence())

    for system in ("pgqueue", "redis-streams"):
        cases = {(row.batch, row.settings["claimers"]) for row in rows if row.system == system}
        assert cases == {(10, 1), (10, 2), (100, 1), (100, 2)}
    for batch in (10, 100):
        shares = [row.value for row in rows if row.metric == "share_of_best" and row.batch == batch]
        assert max(shares) == 1.0


def test_claimers_that_did_not_finish_every_job_once_fail_the_run() -> None:
    drained = [Drained(jobs=6, ended=101.5), Drained(jobs=4, ended=102.0)]

    assert seconds_of(drained, start=100.0, jobs=10) == 2.0
    with pytest.raises(BenchmarkFailed, match="2 claimers were to finish 11 jobs and finished 10"):
        seconds_of(drained, start=100.0, jobs=11)
