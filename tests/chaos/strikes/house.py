"""Strikes at the house: snapshots and transactions that stay open, windows dropped under the load."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg

from pgqueue import AsyncClient, PgQueueError
from tests.chaos import tasks
from tests.chaos.load import QUEUES
from tests.chaos.strikes.stage import Stage

# Like pg_dump: a snapshot, and a share lock on every relation.
SNAPSHOT = "select count(*) from pgqueue.job_states"
AGAIN_SECONDS = 0.2
CHANGE = """
update pgqueue.installation
set ready_window = make_interval(secs => %s),
    history_window = make_interval(secs => %s),
    retention = make_interval(secs => %s)
"""


async def pin(stage: Stage) -> str:
    """Hold a snapshot, as a dump does."""
    seconds = stage.random.uniform(2.0, 8.0)
    async with await psycopg.AsyncConnection.connect(stage.dsn) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.execute(SNAPSHOT)
        await asyncio.sleep(seconds)
        await connection.rollback()
    return f"for {seconds:.1f} s"


async def leave_open(stage: Stage) -> str:
    """A transaction that enqueued and stays open, then is rolled back."""
    seconds = stage.random.uniform(2.0, 6.0)
    entry = stage.ledger.open("plain")
    async with (
        AsyncClient(stage.dsn) as client,
        await psycopg.AsyncConnection.connect(stage.dsn) as connection,
    ):
        try:
            await client.enqueue(tasks.plain.job(key=entry.key), queue="a", connection=connection)
            await asyncio.sleep(seconds)
            await connection.rollback()
        finally:
            stage.ledger.tell([entry], "rolled back")
    return f"for {seconds:.1f} s"


async def pause(stage: Stage) -> str:
    """Pause a queue for a while."""
    queue, seconds = stage.random.choice(QUEUES), stage.random.uniform(1.0, 5.0)
    async with AsyncClient(stage.dsn, pool_size=1) as client:
        try:
            await client.pause(queue)
            await asyncio.sleep(seconds)
        finally:
            await insist(lambda: client.resume(queue))
    return f"{queue} for {seconds:.1f} s"


async def insist(deed: Callable[[], Awaitable[None]]) -> None:
    """Do it, however often it takes: nobody else will."""
    while True:
        try:
            return await deed()
        except (psycopg.Error, PgQueueError, OSError):
            await asyncio.sleep(AGAIN_SECONDS)


async def maintain(stage: Stage) -> str:
    """Make windows and drop those that have passed."""
    async with AsyncClient(stage.dsn, pool_size=1) as client:
        done = await client.maintain()
    fates = [fate for _, fate in done.fates]
    told = ", ".join(f"{fates.count(fate)} {fate}" for fate in sorted(set(fates)))
    return f"{done.made} made, {told or 'none past'}"


async def change_windows(stage: Stage) -> str:
    """Other lengths of the windows, and another retention."""
    lengths = stage.random.choice(((4, 5, 10), (3, 7, 6), (6, 4, 8)))
    async with await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as connection:
        await connection.execute(CHANGE, lengths)
    return "ready {} s, history {} s, retention {} s".format(*lengths)
