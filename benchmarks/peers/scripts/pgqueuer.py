"""PgQueuer 1.6 through asyncpg and uvloop.

Delivery: at least once, by a heartbeat per job; no fencing.
History: kept, a row in its log table for each state of a job (its tables logged: durability "durable").
Durability: as the server's; a worker's outcomes are written up to 0.1 seconds late, in batches.
Transactional enqueue: yes, on a connection of the application's own.
The body is bytes, not validated.

Settings: its own advice is asyncpg, a single connection for the worker, uvloop, its autovacuum settings and
a larger `batch_size`, by which it also writes outcomes; no limits on concurrency, which leaves their cost out
of its claim. Bulk insert: `enqueue` with lists, one statement, a batch as large as was quickest.
"""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

BODY = f'{{"text": "{BODY_TEXT}"}}'.encode()
ENQUEUE_BATCH = 10_000
DEQUEUE_BATCH = 1_000
NO_LIMIT = 0
HEARTBEAT = timedelta(seconds=30)
UNFINISHED = """
select
    (select count(*) from pgqueuer)
    + (select count(*) from pgqueuer_log where status in ('exception', 'failed', 'canceled'))
"""


class PgQueuerQueue:
    """See the module."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._manager = uuid4()

    async def install(self) -> None:
        """With its recommended autovacuum settings."""
        self._connection = await asyncpg.connect(self._dsn)
        self._queries = Queries(AsyncpgDriver(self._connection))
        await self._queries.install()
        await self._queries.optimize_autovacuum()

    async def enqueue(self, jobs: int) -> None:
        """Lists, a statement per batch."""
        for start in range(0, jobs, ENQUEUE_BATCH):
            size = min(ENQUEUE_BATCH, jobs - start)
            await self._queries.enqueue(["noop"] * size, [BODY] * size, [0] * size)

    async def consume(self, batch: int) -> int:
        """As its worker does: a claim, then the outcomes, a statement each."""
        jobs = await self._queries.dequeue(
            batch_size=batch,
            entrypoints={"noop": EntrypointExecutionParameter(concurrency_limit=NO_LIMIT)},
            queue_manager_id=self._manager,
            global_concurrency_limit=None,
            heartbeat_timeout=HEARTBEAT,
        )
        await self._queries.log_jobs([(job, "successful", None) for job in jobs])
        return len(jobs)

    async def send(self) -> None:
        """One statement."""
        await self._queries.enqueue("stamp", None)

    async def unfinished(self) -> int:
        """A finished job leaves the queue's table for the log."""
        return int(await self._connection.fetchval(UNFINISHED))

    async def work(self) -> None:
        """Its application, as `pgq run` would run it."""
        application = PgQueuer.from_asyncpg_connection(await asyncpg.connect(self._dsn))

        async def noop(_job: Job) -> None:
            count_one()

        async def stamp(_job: Job) -> None:
            tell_start()

        application.entrypoint("noop")(noop)
        application.entrypoint("stamp")(stamp)
        await application.run(batch_size=DEQUEUE_BATCH)


if __name__ == "__main__":
    main(PgQueuerQueue, loop_factory=uvloop.new_event_loop)
