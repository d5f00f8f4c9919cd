"""Procrastinate 3.10 through psycopg.

Delivery: at least once, if somebody retries the jobs of stalled workers (their heartbeat tells which).
History: kept, each job's row with its state, and a row of events per change of state.
Durability: as the server's, at every step; a worker's outcome is one statement per job.
Transactional enqueue: yes, on a psycopg connection of the application's own.
The body is JSON, not validated.

Settings: a worker claims one job per statement, so it is given as many tasks at once (`concurrency`), and
connections, as were quickest; LISTEN on, as it is. Bulk insert: `batch_defer_async`, one statement a batch.
"""

import uvloop
from procrastinate import App, PsycopgConnector

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

DEFER_BATCH = 5_000
CONCURRENCY = 10
CONNECTIONS = 10
UNFINISHED = "select count(*) as jobs from procrastinate_jobs where status <> 'succeeded'"


async def noop(text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing: what is left is the queue's own cost."""
    count_one()


async def stamp() -> None:
    """Tell the harness."""
    tell_start()


class ProcrastinateQueue:
    """See the module."""

    def __init__(self, dsn: str) -> None:
        self._connector = PsycopgConnector(conninfo=dsn, min_size=1, max_size=CONNECTIONS)
        self._app = App(connector=self._connector)
        self._noop = self._app.task(name="noop")(noop)
        self._stamp = self._app.task(name="stamp")(stamp)

    async def install(self) -> None:
        """Its schema."""
        await self._app.open_async()
        await self._app.schema_manager.apply_schema_async()

    async def enqueue(self, jobs: int) -> None:
        """A statement per batch."""
        for start in range(0, jobs, DEFER_BATCH):
            size = min(DEFER_BATCH, jobs - start)
            await self._noop.batch_defer_async(*[{"text": BODY_TEXT}] * size)

    async def send(self) -> None:
        """One statement."""
        await self._stamp.defer_async()

    async def unfinished(self) -> int:
        """By the state of each job."""
        return int((await self._connector.execute_query_one_async(UNFINISHED))["jobs"])

    async def work(self) -> None:
        """As `procrastinate worker` would."""
        async with self._app.open_async():
            await self._app.run_worker_async(concurrency=CONCURRENCY)


if __name__ == "__main__":
    main(ProcrastinateQueue, loop_factory=uvloop.new_event_loop)
