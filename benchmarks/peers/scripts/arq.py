"""arq 0.28 on Redis, through redis-py with hiredis.

Delivery: at least once, by a lock per job that expires.
History: none here; a job's result would stay for an hour otherwise.
Durability: as the server's.
Transactional enqueue: no.
The body is pickled, not validated.

Settings: `max_jobs` as large as was quickest; no results kept, no log line per job, and a poll every 10 ms
instead of twice a second, by which it claims. There is no bulk insert: many calls of `enqueue_job` at once.
"""

import asyncio

import uvloop
from arq.connections import ArqRedis
from arq.worker import Worker
from redis.asyncio import BlockingConnectionPool

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

ENQUEUE_AT_ONCE = 50
MAX_JOBS = 100
POLL_SECONDS = 0.01


async def noop(_context: object, text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing: what is left is the queue's own cost."""
    count_one()


async def stamp(_context: object) -> None:
    """Tell the harness."""
    tell_start()


class ArqQueue:
    """See the module."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(url, max_connections=ENQUEUE_AT_ONCE)
        self._redis = ArqRedis(pool)

    async def install(self) -> None:
        """Connect."""
        await self._redis.ping()

    async def enqueue(self, jobs: int) -> None:
        """So many calls at a time."""
        shares = [range(start, jobs, ENQUEUE_AT_ONCE) for start in range(ENQUEUE_AT_ONCE)]
        await asyncio.gather(*(self._enqueue_share(len(share)) for share in shares))

    async def _enqueue_share(self, jobs: int) -> None:
        for _ in range(jobs):
            await self._redis.enqueue_job("noop", text=BODY_TEXT)

    async def send(self) -> None:
        """One call."""
        await self._redis.enqueue_job("stamp")

    async def unfinished(self) -> int:
        """By its sorted set, which a job leaves when it is finished."""
        return int(await self._redis.zcard("arq:queue"))

    async def work(self) -> None:
        """As the command `arq` would."""
        worker = Worker(
            functions=[noop, stamp],
            redis_pool=self._redis,
            max_jobs=MAX_JOBS,
            keep_result=0,
            poll_delay=POLL_SECONDS,
            log_results=False,
        )
        await worker.async_run()


if __name__ == "__main__":
    main(ArqQueue, loop_factory=uvloop.new_event_loop)
