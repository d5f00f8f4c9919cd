"""The tasks that workers run under chaos. Each tells what it does before and after.

They must never keep anything in memory that a kill could take from the account.
"""

import asyncio
import json
import os
import select
import signal
import time
from datetime import timedelta
from typing import Any

import psycopg

from pgqueue import AsyncClient, Delivery, Fixed, Snooze, current_job, task
from tests.chaos.executions import execution
from tests.chaos.kinds import KINDS

DSN = "CHAOS_DSN"
BACKOFF = Fixed(timedelta(milliseconds=300))
EFFECT = "insert into chaos.effects (key, job, attempt) values (%s, %s, %s)"


def key_of(delivery: Delivery) -> int:
    """The number its payload carries."""
    return int(json.loads(delivery.payload)["key"])


class Planned(Exception):
    """A failure that belongs to the run."""


async def connected() -> "psycopg.AsyncConnection[Any]":
    """A connection of the handler's own, by the way its worker goes."""
    return await psycopg.AsyncConnection.connect(os.environ[DSN], prepare_threshold=None)


@task(name="plain", max_attempts=KINDS["plain"].max_attempts, backoff=BACKOFF)
async def plain(key: int, seconds: float = 0.0) -> None:
    """Take its time and succeed."""
    with execution(key):
        await asyncio.sleep(seconds)


@task(name="blocking", max_attempts=KINDS["blocking"].max_attempts, backoff=BACKOFF)
def blocking(key: int, seconds: float = 0.0) -> None:
    """The same in a thread."""
    with execution(key):
        select.select([], [], [], seconds)  # libfaketime breaks sleep: it mixes up its two clocks


@task(name="flaky", max_attempts=KINDS["flaky"].max_attempts, backoff=BACKOFF)
async def flaky(key: int, failures: int = 1) -> None:
    """Fail so often, then succeed."""
    with execution(key):
        if current_job().attempt <= failures:
            raise Planned(f"attempt {current_job().attempt} of job {key}")


@task(name="snoozing", max_attempts=KINDS["snoozing"].max_attempts, backoff=BACKOFF)
async def snoozing(key: int, until: float) -> Snooze | None:
    """Hand itself back until the machine's steady clock says so."""
    with execution(key):
        return Snooze(timedelta(milliseconds=500)) if time.monotonic() < until else None


@task(name="doomed", max_attempts=KINDS["doomed"].max_attempts, backoff=BACKOFF)
async def doomed(key: int) -> None:
    """Fail whatever happens."""
    with execution(key):
        raise Planned(f"job {key} is doomed")


@task(name="poison", max_attempts=KINDS["poison"].max_attempts, backoff=BACKOFF)
async def poison(key: int) -> None:
    """Take the worker along."""
    with execution(key):
        os.kill(os.getpid(), signal.SIGKILL)


@task(name="consumed", max_attempts=KINDS["consumed"].max_attempts)
async def consumed(key: int) -> None:
    """No worker's: see `consume`."""


@task(name="booked", max_attempts=KINDS["booked"].max_attempts)
async def booked(key: int) -> None:
    """No worker's either."""


@task(name="effect", max_attempts=KINDS["effect"].max_attempts, backoff=BACKOFF)
async def effect(key: int, rollbacks: int = 0, *, fails_after: bool = False) -> None:
    """Write one row and finish in one transaction; so many attempts are rolled back before."""
    with execution(key):
        job = current_job()
        async with await connected() as connection:
            await connection.execute(EFFECT, (key, job.id, job.attempt))
            await asyncio.sleep(0.02)
            await job.finish_async(connection)
            if job.attempt <= rollbacks:
                raise Planned(f"attempt {job.attempt} of job {key} is rolled back")
        if fails_after:
            raise Planned(f"job {key} has succeeded, whatever its handler says")


@task(name="parent", max_attempts=KINDS["parent"].max_attempts, backoff=BACKOFF)
async def parent(key: int) -> None:
    """Enqueue one more job and finish, in one transaction: the child's key is the negative of its own."""
    with execution(key):
        job = current_job()
        async with await connected() as connection:
            await connection.execute(EFFECT, (key, job.id, job.attempt))
            await AsyncClient().enqueue(plain.job(key=-key), queue="b", connection=connection)
            await job.finish_async(connection)
