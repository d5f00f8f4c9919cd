"""Tests of adding up what several processes say, as they come and go."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pgqueue import WorkerMetrics
from pgqueue.metrics import catalogue
from pgqueue.metrics.fleet import FleetMetrics, saying
from pgqueue.metrics.numbers import Numbers
from tests.waiting import PATIENCE_SECONDS, until

ROOT = Path(__file__).parents[2]
LOST = (catalogue.JOBS_LOST.name, ())
SLOTS = (catalogue.WORKER_SLOTS.name, ())
PROCESSES = (catalogue.WORKER_PROCESSES.name, ())
RUN = (catalogue.RUN_SECONDS.name, ("send",))


@pytest.fixture
async def fleet() -> AsyncIterator[FleetMetrics]:
    fleet = FleetMetrics()
    yield fleet
    await fleet.close()


def join(fleet: FleetMetrics) -> int:
    """The end of a process that has joined."""
    with fleet.pipe() as end:
        return os.dup(end)


def present(**numbers: int) -> WorkerMetrics:
    """The metrics of a worker of which this is so."""
    metrics = WorkerMetrics()
    told: Numbers = {SLOTS: 5, PROCESSES: 1, LOST: numbers["lost"], RUN: [float(numbers["lost"])] * 19}
    metrics.begin((), lambda: told)
    return metrics


async def test_what_processes_say_is_added_up(fleet: FleetMetrics) -> None:
    async with saying(present(lost=1), join(fleet)), saying(present(lost=2), join(fleet)):
        await until(lambda: fleet.numbers()[PROCESSES] == 2)

        assert fleet.numbers() == {LOST: 3, SLOTS: 10, PROCESSES: 2, RUN: [3.0] * 19}


async def test_what_a_dead_process_counted_stays(fleet: FleetMetrics) -> None:
    async with saying(present(lost=2), join(fleet)):
        async with saying(present(lost=1), join(fleet)):
            await until(lambda: fleet.numbers()[PROCESSES] == 2)
        await until(lambda: fleet.numbers()[PROCESSES] == 1)

        assert fleet.numbers() == {LOST: 3, SLOTS: 5, PROCESSES: 1, RUN: [3.0] * 19}


async def test_no_count_ever_goes_down(fleet: FleetMetrics) -> None:
    seen = []
    for _ in range(5):
        async with saying(present(lost=1), join(fleet)):
            await until(lambda: fleet.numbers()[PROCESSES] == 1)
            seen.append(fleet.numbers()[LOST])
        await until(lambda: fleet.numbers()[PROCESSES] == 0)
        seen.append(fleet.numbers()[LOST])

    assert seen == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


async def test_half_a_line_of_one_who_was_killed_is_not_read(fleet: FleetMetrics) -> None:
    end = join(fleet)
    line = json.dumps([[*LOST, 7], [*PROCESSES, 1]]).encode() + b"\n"
    os.write(end, line + line[:10])
    await until(lambda: fleet.numbers()[PROCESSES] == 1)
    os.close(end)
    await until(lambda: fleet.numbers()[PROCESSES] == 0)

    assert fleet.numbers()[LOST] == 7


async def test_a_process_that_says_nothing_counts_for_nothing(fleet: FleetMetrics) -> None:
    os.close(join(fleet))
    await until(lambda: not fleet._readers)

    assert fleet.numbers() == {PROCESSES: 0}


async def test_a_supervisor_that_does_not_listen_keeps_no_worker_waiting(fleet: FleetMetrics) -> None:
    ours, theirs = os.pipe()
    metrics = WorkerMetrics()
    metrics.begin((), lambda: {(catalogue.OLDEST_AGE.name, (f"{number:0>99}",)): 1 for number in range(9999)})

    async with asyncio.timeout(20), saying(metrics, theirs):
        await asyncio.sleep(0)
    os.close(ours)


# A worker whose handler has forked, and which then dies.
FORKING = """
import asyncio, os, sys, time
from pgqueue import WorkerMetrics
from pgqueue.metrics import catalogue
from pgqueue.metrics.fleet import saying

async def main():
    metrics = WorkerMetrics()
    metrics.begin((), lambda: {(catalogue.WORKER_PROCESSES.name, ()): 1})
    async with saying(metrics, int(sys.argv[1])):
        await asyncio.sleep(0)
        forked = os.fork()
        if not forked:
            os.close(1)
            time.sleep(600)
        print(forked, flush=True)
        sys.stdin.readline()
        os._exit(1)

asyncio.run(main())
"""


async def test_what_a_worker_forked_does_not_keep_it_among_the_living(fleet: FleetMetrics) -> None:
    with fleet.pipe() as end:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FORKING, str(end), pass_fds=[end], stdin=PIPE, stdout=PIPE, cwd=ROOT
        )
    assert worker.stdin is not None
    assert worker.stdout is not None
    forked = int(await worker.stdout.readline())
    try:
        await until(lambda: fleet.numbers()[PROCESSES] == 1)
        worker.stdin.write(b"die\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await worker.wait()
        await until(lambda: fleet.numbers()[PROCESSES] == 0)
        os.kill(forked, 0)  # it is still there
    finally:
        os.kill(forked, signal.SIGKILL)
