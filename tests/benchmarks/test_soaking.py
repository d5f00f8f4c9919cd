import pytest

from benchmarks.failures import BenchmarkFailed
from benchmarks.soaking import Heard, check_all_ended, check_dead, failures_of, last_attempt_of


def test_of_a_hundred_jobs_one_dies_and_nine_are_retried() -> None:
    failures = [failures_of(number) for number in range(100, 200)]

    assert (failures.count(2), failures.count(1), failures.count(0)) == (1, 9, 90)
    assert [last_attempt_of(number) for number in (100, 101, 150)] == [2, 2, 1]


def test_a_job_that_never_ended_fails_the_run() -> None:
    check_all_ended(Heard(ended={0, 1, 2}), jobs=3)

    with pytest.raises(BenchmarkFailed, match="1 of 4 jobs never ended, among them number 3"):
        check_all_ended(Heard(ended={0, 1, 2}), jobs=4)


def test_a_death_without_cause_fails_the_run() -> None:
    check_dead(2, range(200))

    with pytest.raises(BenchmarkFailed, match="3 jobs are dead where 2 were to die"):
        check_dead(3, range(200))
