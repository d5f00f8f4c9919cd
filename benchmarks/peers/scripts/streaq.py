"""streaQ 7 on Redis Streams, through coredis.

Delivery: at least once, by an idle timeout that running tasks renew.
History: none here; a task's result would stay for five minutes otherwise.
Durability: as the server's.
Transactional enqueue: no.
The body is pickled, not validated.

Settings: `concurrency` as large as was quickest, and as many tasks prefetched; no results kept (ttl 0), no
log line per task, uvloop. Bulk insert: `enqueue_many`, a pipeline per batch.
"""

import asyncio

import uvloop
from streaq import Worker

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

ENQUEUE_BATCH = 1_000
CONCURRENCY = 100


async def noop(text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing: what is left is the queue's own cost."""
    count_one()


async def stamp() -> None:
    """Tell the harness."""
    tell_start()


class StreaqQueue:
    """See the module."""

    def __init__(self, url: str) -> None:
        self._worker = Worker(redis_url=url, concurrency=CONCURRENCY)
        self._noop = self._worker.task(ttl=0, silent=True)(noop)
        self._stamp = self._worker.task(ttl=0, silent=True)(stamp)

    async def install(self) -> None:
        """Connect."""
        is_open = asyncio.Event()
        self._connection = asyncio.create_task(self._stay_open(is_open))
        await is_open.wait()

    async def _stay_open(self, is_open: asyncio.Event) -> None:
        # Its connection has to be closed by the task that opened it.
        async with self._worker:
            is_open.set()
            await asyncio.Event().wait()

    async def enqueue(self, jobs: int) -> None:
        """A pipeline per batch."""
        for start in range(0, jobs, ENQUEUE_BATCH):
            size = min(ENQUEUE_BATCH, jobs - start)
            await self._worker.enqueue_many([self._noop.enqueue(text=BODY_TEXT) for _ in range(size)])

    async def send(self) -> None:
        """One call."""
        await self._stamp.enqueue()

    async def unfinished(self) -> int:
        """By its streams, from which a finished task is deleted."""
        return int(await self._worker.queue_size())

    async def work(self) -> None:
        """As the command `streaq run` would."""
        await self._worker.run_async()


if __name__ == "__main__":
    main(StreaqQueue, loop_factory=uvloop.new_event_loop)
