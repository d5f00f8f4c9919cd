"""Strikes at the server and its sessions."""

import asyncio
import os
import signal

import psycopg

from tests.chaos.strikes.stage import Stage

TERMINATE = """
select count(pg_terminate_backend(activity.pid))
from pg_stat_activity as activity
where activity.backend_type = 'client backend'
    and activity.pid <> pg_backend_pid()
    and random() < %s
"""
SOMEBODY = """
select activity.pid
from pg_stat_activity as activity
where activity.backend_type = 'client backend'
    and activity.pid <> pg_backend_pid()
order by random()
limit 1
"""


async def terminate(stage: Stage) -> str:
    """End some sessions, or all."""
    share = stage.random.choice((0.2, 0.5, 1.0))
    async with await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as connection:
        cursor = await connection.execute(TERMINATE, (share,))
        (count,) = await cursor.fetchone() or (0,)
    return f"{count} sessions"


async def kill_session(stage: Stage) -> str:
    """Kill one session's process, as a server short of memory does: all others go down with it."""
    async with stage.turn, await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as connection:
        cursor = await connection.execute(SOMEBODY)
        (process_id,) = await cursor.fetchone() or (None,)
        if process_id is None:
            return "nobody was there"
        os.kill(process_id, signal.SIGKILL)
    return "one process"


async def crash(stage: Stage) -> str:
    """Stop the server as a power cut would, and start it again."""
    async with stage.turn:
        await asyncio.to_thread(stage.postgres.stop, "immediate")
        seconds = stage.random.uniform(0.0, 1.5)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(stage.postgres.start)
    return f"away for {seconds:.1f} s and its recovery"


async def restart(stage: Stage) -> str:
    """Stop the server as its owner would, and start it again."""
    async with stage.turn:
        await asyncio.to_thread(stage.postgres.restart, "fast")
    return "fast"


async def kill_pooler(stage: Stage) -> str:
    """Kill the pooler and start it again, where there is one."""
    if stage.pooler is None:
        return "there is none"
    await asyncio.to_thread(stage.pooler.restart)
    return "PgBouncer"
