"""A peer's side of the talk with the harness; it must never import more than the standard library.

`python -m benchmarks.peers.scripts.NAME client ADDRESS` answers requests, one JSON object a line, in and out:
install, enqueue (jobs), lifecycle (jobs, batch), send, unfinished. `... worker ADDRESS` works the queue until
SIGTERM.
"""

import asyncio
import inspect
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, cast

from benchmarks.stamps import STAMP_SOCKET, Start

Answer = dict[str, float]


class Queue(Protocol):
    """A peer at its best settings. Its script's docstring states its contract.

    Each method may be a coroutine: all of them run on one event loop.
    """

    def install(self) -> Any:
        """Make the schema, if it has one; leave the connections open that the rest needs."""

    def enqueue(self, jobs: int) -> Any:
        """That many no-op jobs with a body of BODY_TEXT, through its quickest public call; this is timed."""

    def send(self) -> Any:
        """One job whose handler calls `tell_start`."""

    def unfinished(self) -> Any:
        """How many jobs did not succeed yet, waiting, claimed or failed, by the peer's own tables or keys."""

    def work(self) -> Any:
        """Run its own worker in this process, until SIGTERM; the no-op handler calls `count_one`."""


class ClaimingQueue(Queue, Protocol):
    """A peer whose claim and finish can be called without its worker; it may take part in `lifecycle`."""

    def consume(self, batch: int) -> Any:
        """Claim up to that many jobs and finish them, running none; returns how many."""


LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def main(make: Callable[[str], Queue], *, loop_factory: LoopFactory | None = None) -> None:
    """Do what the command line asks for. loop_factory: the event loop the peer is quickest on."""
    part, address = sys.argv[1:]
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        queue = make(address)

        def run(method: Callable[..., Any], *arguments: Any) -> Any:
            told = method(*arguments)
            return runner.run(told) if inspect.iscoroutine(told) else told

        if part == "worker":
            run(queue.work)
        else:
            _serve(queue, run)


def _serve(queue: Queue, run: Callable[..., Any]) -> None:
    # Whatever the peer prints goes to the harness's log, not among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(_answer(queue, run, json.loads(line))) + "\n")
        answers.flush()


def _answer(queue: Queue, run: Callable[..., Any], request: dict[str, Any]) -> Answer:
    match request:
        case {"do": "install"}:
            run(queue.install)
            return {}
        case {"do": "enqueue", "jobs": int(jobs)}:
            began = time.perf_counter()
            run(queue.enqueue, jobs)
            return {"seconds": time.perf_counter() - began}
        case {"do": "lifecycle", "jobs": int(jobs), "batch": int(batch)}:
            return cast("Answer", run(_lifecycle, queue, jobs, batch))
        case {"do": "send"}:
            sent_ns = time.monotonic_ns()
            run(queue.send)
            return {"sent_ns": sent_ns}
        case {"do": "unfinished"}:
            return {"jobs": run(queue.unfinished)}
    raise ValueError(f"not a request: {request}")


async def _lifecycle(queue: ClaimingQueue, jobs: int, batch: int) -> Answer:
    """All jobs in, then all jobs through, `jobs` being a multiple of `batch`."""
    began = time.perf_counter()
    for _ in range(jobs // batch):
        await _told(queue.enqueue(batch))
    enqueued = time.perf_counter()
    finished = 0
    while finished < jobs:
        taken = await _told(queue.consume(batch))
        if not taken:
            raise RuntimeError(f"ran dry at {finished} of {jobs} jobs")
        finished += taken
    return {"enqueue_seconds": enqueued - began, "consume_seconds": time.perf_counter() - enqueued}


async def _told(told: Any) -> Any:
    return await told if inspect.isawaitable(told) else told


def tell_start() -> None:
    """To be called by the handler of a job that was sent: its first line."""
    _harness().send(Start(time.monotonic_ns(), os.getpid(), 0, 1, 0).packed())


@cache
def _harness() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    connection.connect(os.environ[STAMP_SOCKET])
    return connection
