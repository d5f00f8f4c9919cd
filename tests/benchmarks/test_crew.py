import os
import signal
import time

import psutil
import pytest

from benchmarks.crew import Crew
from benchmarks.failures import BenchmarkFailed


def double(number: int) -> int:
    return number * 2


def fail() -> None:
    raise ValueError("so it goes")


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_ever() -> None:
    while True:
        time.sleep(60)


def is_deaf_to_ctrl_c() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def start_and_fail(started: list[int]) -> None:
    with Crew() as crew:
        started.append(crew.start(wait_for_ever).pid)
        assert psutil.pid_exists(started[0])
        raise BenchmarkFailed("something else went wrong")


def test_an_answer_comes_back_and_failures_are_told() -> None:
    with Crew() as crew:
        doubled, failed, killed = crew.start(double, 21), crew.start(fail), crew.start(kill_oneself)

        assert doubled.answer() == 42
        with pytest.raises(BenchmarkFailed, match="fail failed: ValueError: so it goes"):
            failed.answer()
        with pytest.raises(BenchmarkFailed, match="kill_oneself died, exit code -9"):
            killed.answer()


def test_no_process_outlives_the_block() -> None:
    started: list[int] = []

    with pytest.raises(BenchmarkFailed):
        start_and_fail(started)

    assert not psutil.pid_exists(started[0])


def test_ctrl_c_in_a_terminal_is_for_the_harness_alone() -> None:
    with Crew() as crew:
        assert crew.start(is_deaf_to_ctrl_c).answer()

    assert not is_deaf_to_ctrl_c()
