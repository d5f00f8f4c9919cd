"""The tasks the benchmarks enqueue and the worker runs; they must never do any work."""

import os
import socket
import time
from functools import cache

from pgqueue import task

QUEUE = "bench"
STAMP_SOCKET = "PGQUEUE_BENCHMARK_SOCKET"
"""Environment variable: path of the datagram socket that hears of handler starts."""


@task(queue=QUEUE)
async def noop(text: str) -> None:
    """Nothing: what is left is the queue's own cost."""


@task(queue=QUEUE)
async def stamp() -> None:
    """Tell the harness the moment this handler started, by the clock both processes share."""
    started = time.monotonic_ns()
    _harness().send(started.to_bytes(8, "big"))


@cache
def _harness() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    connection.connect(os.environ[STAMP_SOCKET])
    return connection
