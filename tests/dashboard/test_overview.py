"""Tests of the numbers on top of the overview."""

from datetime import timedelta

from pgqueue.dashboard.pages.overview import told
from tests.dashboard.looks import ended, look, queue, worker


def test_tiles_tell_the_whole_installation() -> None:
    total = ended(
        succeeded=98, failed=1, dead=1, run_mean=0.25, run_p95=2.0, succeeded_rate=40, failed_rate=2
    )
    sample = look(
        queues=(
            queue("a", waiting=10_000, oldest_age=timedelta(seconds=5), estimated=frozenset({"waiting"})),
            queue("b", waiting=345, running=3, dead=2, oldest_age=timedelta(seconds=90)),
        ),
        workers=(worker(1, jobs=3), worker(2), worker(3, is_alive=False, jobs=1)),
        total=total,
        enqueued_rate=5,
    )

    assert told(sample) == {
        "Waiting": ("~10,345", "oldest 1m30s"),
        "Running": ("3", "3 of 16 slots busy"),
        "Scheduled": ("0", "later, or to be retried"),
        "Dead letters": ("2", "1 in the last 1m"),
        "Success rate": ("98.0 %", "of 100 attempts in 1m"),
        "Throughput": ("42/s", "5.0/s enqueued"),
        "Run time": ("250 ms", "average; 95 % within 2.0 s"),
        "Workers": ("2", "13 slots idle"),
    }


def test_of_an_idle_installation_nothing_is_made_up() -> None:
    found = told(look())

    assert (found["Success rate"][0], found["Run time"][0]) == ("–", "–")  # noqa: RUF001
    assert found["Waiting"] == ("0", "nothing due")
