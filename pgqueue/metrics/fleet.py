"""The metrics of several worker processes at one address: each says its numbers over a pipe, once a second.

It must never let a number that was counted go down: what a process counted stays when it has died.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count

from prometheus_client.metrics_core import Metric as Family

from pgqueue.metrics import catalogue
from pgqueue.metrics.numbers import Numbers, added, counted, families
from pgqueue.metrics.worker import WorkerMetrics

logger = logging.getLogger("pgqueue.supervisor")

SAY_SECONDS = 1.0
LONGEST_LINE_BYTES = 64 * 1024 * 1024
PIPE_VARIABLE = "PGQUEUE_METRICS_PIPE"
"""The variable that tells a worker process the number of its end of the pipe."""


class FleetMetrics:
    """The numbers of some processes, added up: a prometheus_client collector."""

    def __init__(self) -> None:
        # Those gone and those alive, replaced as a whole: a scrape, in its own thread, sees nobody twice.
        self._told: tuple[Numbers, dict[int, Numbers]] = ({}, {})
        self._number = count()
        self._readers: set[asyncio.Task[None]] = set()

    @contextmanager
    def pipe(self) -> Iterator[int]:
        """The end for a process that is started in the block, which inherits it. What it says is heard."""
        ours, theirs = os.pipe()
        reader = asyncio.get_running_loop().create_task(self._hear(ours))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        try:
            yield theirs
        finally:
            os.close(theirs)

    async def close(self) -> None:
        """Hear no more."""
        readers = tuple(self._readers)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    def numbers(self) -> Numbers:
        """What all of them have counted, and what those alive say is so."""
        gone, alive = self._told
        processes: Numbers = {(catalogue.WORKER_PROCESSES.name, ()): 0}
        return added([gone, processes, *alive.values()])

    def collect(self) -> Iterator[Family]:
        """The metrics, for prometheus_client."""
        return families(self.numbers(), catalogue.WORKER)

    async def _hear(self, end: int) -> None:
        """Keep what one process says, until its end is closed."""
        number = next(self._number)
        reader = asyncio.StreamReader(limit=LONGEST_LINE_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(end, "rb", buffering=0)
        )
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                gone, alive = self._told
                self._told = (gone, alive | {number: read(line)})
        except ValueError:
            logger.exception("what a worker process says of its metrics cannot be read")
        finally:
            transport.close()
            gone, alive = self._told
            left = {other: numbers for other, numbers in alive.items() if other != number}
            self._told = (added([gone, counted(alive.get(number, {}))]), left)


@asynccontextmanager
async def saying(metrics: WorkerMetrics, end: int) -> AsyncIterator[None]:
    """Say a worker's numbers over this end of the pipe, once a second inside the block, and at its end."""
    transport, _ = await asyncio.get_running_loop().connect_write_pipe(
        asyncio.BaseProtocol, os.fdopen(end, "wb", buffering=0)
    )

    def let_go() -> None:
        if not transport.is_closing():
            os.close(end)

    # Else what a handler forks would hold the pipe open when we are dead, and we would seem alive.
    os.register_at_fork(after_in_child=let_go)

    def say() -> None:
        if not transport.get_write_buffer_size() and not transport.is_closing():  # else the last is not heard
            transport.write(written(metrics.numbers()))

    async def say_on() -> None:
        while True:
            say()
            await asyncio.sleep(SAY_SECONDS)

    speaking = asyncio.create_task(say_on())
    try:
        yield
    finally:
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking
        say()
        transport.close()


def written(numbers: Numbers) -> bytes:
    """One line that says them."""
    return json.dumps([[name, labels, value] for (name, labels), value in numbers.items()]).encode() + b"\n"


def read(line: bytes) -> Numbers:
    """What a line says. Raises ValueError."""
    return {(name, tuple(labels)): value for name, labels, value in json.loads(line)}
