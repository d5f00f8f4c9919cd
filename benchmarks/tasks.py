"""The tasks the benchmarks enqueue and the worker runs; they must never do any work."""

import os
import socket
import time
from datetime import timedelta
from functools import cache
from pathlib import Path

from benchmarks.delays import tell_delay
from benchmarks.stamps import STAMP_SOCKET, Start
from benchmarks.tally import count_one
from pgqueue import Fixed, current_job, task

QUEUE = "bench"
RELEASE_LOOK_SECONDS = 0.02
RETRY_AFTER = timedelta(seconds=1)


class OnPurpose(Exception):
    """What a job of the soak fails with."""


@task(queue=QUEUE)
async def noop(text: str) -> None:
    """Nothing: what is left is the queue's own cost."""


@task(queue=QUEUE)
async def counted(text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing, but the harness may know at any moment how many ran."""
    count_one()


@task(queue=QUEUE)
async def stamp(number: int = 0) -> None:
    """Tell the harness the moment this handler started, by the clock both processes share."""
    tell_start(number)


@task(queue=QUEUE)
async def due(number: int, due_ns: int) -> None:
    """Tell the harness when this job was due, and that its handler starts now."""
    tell_delay(number, due_ns)


@task(queue=QUEUE)
def hold(number: int, release: str) -> None:
    """Tell the harness, then keep the slot until that file exists; not when it runs again."""
    tell_start(number)
    while current_job().attempt == 1 and not Path(release).exists():
        time.sleep(RELEASE_LOOK_SECONDS)


@task(queue=QUEUE, max_attempts=2, backoff=Fixed(RETRY_AFTER))
async def soaked(number: int, sent_ns: int, failures: int) -> None:
    """Tell the harness how long it took to start, and fail so many times."""
    tell_start(number, sent_ns=sent_ns)
    if current_job().attempt <= failures:
        raise OnPurpose(f"failure {current_job().attempt} of {failures}")


def tell_start(number: int, *, sent_ns: int = 0) -> None:
    """To be called first by a handler."""
    started_ns = time.monotonic_ns()
    start = Start(started_ns, os.getpid(), number, current_job().attempt, sent_ns)
    _harness().send(start.packed())


@cache
def _harness() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    connection.connect(os.environ[STAMP_SOCKET])
    return connection
