"""Awa 0.6, whose client and worker are written in Rust and run Python's handlers.

Delivery: at least once, by heartbeats and an attempt's lease, which fences.
History: failures are kept; what succeeded is pruned within seconds, with the partitions it was claimed in.
Durability: as the server's, at every step; outcomes are written in batches.
Transactional enqueue: yes, on connections of psycopg, asyncpg, SQLAlchemy or Django.
The body is JSON, made from a dataclass.

Settings: its newer storage, receipts and rings; as many workers as were quickest, no deadline per attempt,
one claimer with its usual batch of 512, by its own advice. Bulk insert: `enqueue_many_copy`.
"""

import asyncio
from dataclasses import dataclass

import uvloop
from awa import AsyncClient

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

QUEUE = "bench"
STORAGE = "awa"
ENQUEUE_BATCH = 10_000
WORKERS = 200
# Enqueued and not claimed; claimed and not closed with a success; and whatever waits for anything else.
UNFINISHED = """
select (
    (
        select coalesce(sum(
            coalesce(pg_sequence_last_value(format('awa.%I', enqueue.seq_name)::regclass), 0)
            - coalesce(pg_sequence_last_value(format('awa.%I', claim.seq_name)::regclass), 0)
        ), 0)
        from awa.queue_enqueue_heads as enqueue
        join awa.queue_claim_heads as claim using (queue, priority, enqueue_shard)
    )
    + (select coalesce(sum(claimed_count), 0) from awa.lease_claim_batches)
    + (select count(*) from awa.lease_claims)
    - (select coalesce(sum(closed_count), 0) from awa.lease_claim_closure_batches where outcome = 'completed')
    - (select count(*) from awa.lease_claim_closures where outcome = 'completed')
    + (select count(*) from awa.leases)
    + (select count(*) from awa.deferred_jobs)
    + (select count(*) from awa.dlq_entries)
)::bigint as jobs
"""


@dataclass
class Noop:
    """A job that does nothing."""

    text: str


@dataclass
class Stamp:
    """A job that tells the harness."""


class AwaQueue:
    """See the module."""

    def __init__(self, dsn: str) -> None:
        self._client = AsyncClient(dsn)

    async def install(self) -> None:
        """Its schema."""
        await self._client.migrate()
        await self._client.install_queue_storage(schema=STORAGE)

    async def enqueue(self, jobs: int) -> None:
        """A COPY per batch."""
        for start in range(0, jobs, ENQUEUE_BATCH):
            size = min(ENQUEUE_BATCH, jobs - start)
            await self._client.enqueue_many_copy([Noop(BODY_TEXT) for _ in range(size)], queue=QUEUE)

    async def send(self) -> None:
        """One insert."""
        await self._client.insert(Stamp(), queue=QUEUE)

    async def unfinished(self) -> int:
        """Its own statistics count every job it has seen, which would take longer than to run them."""
        transaction = await self._client.transaction()
        try:
            return int((await transaction.fetch_one(UNFINISHED))["jobs"])
        finally:
            await transaction.rollback()

    async def work(self) -> None:
        """Its worker, in this process."""

        async def noop(_job: object) -> None:
            count_one()

        async def stamp(_job: object) -> None:
            tell_start()

        self._client.task(Noop, queue=QUEUE)(noop)
        self._client.task(Stamp, queue=QUEUE)(stamp)
        await self._client.start([{"name": QUEUE, "max_workers": WORKERS, "deadline_duration_ms": 0}])
        await asyncio.Event().wait()


if __name__ == "__main__":
    main(AwaQueue, loop_factory=uvloop.new_event_loop)
