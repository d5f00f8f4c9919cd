"""SAQ 0.26 on Redis, through redis-py with hiredis.

Delivery: at least once for jobs that have retries (they have one attempt here, as by default), by a sweep.
History: none here; a finished job's key would stay for ten minutes otherwise.
Durability: as the server's.
Transactional enqueue: no.
The body is JSON, not validated.

Settings: `concurrency` as large as was quickest; no timeout per job, no result kept (ttl -1). There is no
bulk insert: many calls of `enqueue` at once, as many as the queue lets through (`max_concurrent_ops`).
"""

import asyncio

import uvloop
from redis.asyncio import Redis
from saq import Job, Worker
from saq.queue.redis import RedisQueue

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

ENQUEUE_AT_ONCE = 50
CONCURRENCY = 50
NO_RESULT = -1


async def noop(_context: object, *, text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing: what is left is the queue's own cost."""
    count_one()


async def stamp(_context: object) -> None:
    """Tell the harness."""
    tell_start()


class SaqQueue:
    """See the module."""

    def __init__(self, url: str) -> None:
        self._queue = RedisQueue(Redis.from_url(url), max_concurrent_ops=ENQUEUE_AT_ONCE)

    async def install(self) -> None:
        """Connect."""
        await self._queue.connect()

    async def enqueue(self, jobs: int) -> None:
        """So many calls at a time."""
        shares = [range(start, jobs, ENQUEUE_AT_ONCE) for start in range(ENQUEUE_AT_ONCE)]
        await asyncio.gather(*(self._enqueue_share(len(share)) for share in shares))

    async def _enqueue_share(self, jobs: int) -> None:
        for _ in range(jobs):
            await self._queue.enqueue(Job("noop", kwargs={"text": BODY_TEXT}, timeout=0, ttl=NO_RESULT))

    async def send(self) -> None:
        """One call."""
        await self._queue.enqueue("stamp")

    async def unfinished(self) -> int:
        """By its set of incomplete jobs."""
        return int(await self._queue.count("incomplete"))

    async def work(self) -> None:
        """As the command `saq` would."""
        await self._queue.connect()
        await Worker(self._queue, [noop, stamp], concurrency=CONCURRENCY).start()


if __name__ == "__main__":
    main(SaqQueue, loop_factory=uvloop.new_event_loop)
