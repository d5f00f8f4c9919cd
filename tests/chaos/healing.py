"""Before and after the strikes: wait until the workers are there, and until nothing is left to do.

It must never wait without an end: what does not come to rest in good time is a promise broken.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import psycopg

from pgqueue import AsyncClient
from tests.chaos.fleet import Fleet
from tests.chaos.verdict import REST, WORKERS, Breach
from tests.waiting import until

START_SECONDS = 120.0
REST_SECONDS = 180.0
LOOK_SECONDS = 0.5
MOST_RESTARTS = 10
PRESENT = "select count(*) from pgqueue.workers"
UNREST = """
select
    (select count(*) from pgqueue.ready),
    (select count(*) from pgqueue.claims)
"""


@asynccontextmanager
async def kept_alive(fleet: Fleet) -> AsyncIterator[None]:
    """Whoever dies inside the block is replaced."""
    keeping = asyncio.create_task(fleet.keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def manned(fleet: Fleet, dsn: str) -> None:
    """Wait until those workers are there that say so: a strike at an empty stage proves nothing."""
    expected = sum(post.says_so for post in fleet.posts)
    deadline = time.monotonic() + START_SECONDS
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            (present,) = await (await connection.execute(PRESENT)).fetchone() or (0,)
            if present >= expected:
                return
            await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError(f"of {expected} workers not all were there after {START_SECONDS:.0f} s")


async def healed(fleet: Fleet, dsn: str) -> list[Breach]:
    """Let the workers go on until nothing waits and nothing is held; then stop them and keep the house."""
    for post in fleet.posts:
        fleet.thaw(post)
    await until(lambda: unrest(dsn), seconds=START_SECONDS)  # no worker can start before
    lives = {post.name: post.lives for post in fleet.posts}
    async with kept_alive(fleet):
        found = await at_rest(dsn)
    found += restless(fleet, lives)
    await fleet.stop()
    found += [Breach(WORKERS, what) for what in fleet.unexpected]
    async with AsyncClient(dsn, pool_size=1) as client:
        for _ in range(2):  # what an open transaction still held at first is let go by then
            await client.maintain()
    return found


async def at_rest(dsn: str) -> list[Breach]:
    """Wait until nothing is left to do, twice in a row: a commit may still have been under way."""
    deadline = time.monotonic() + REST_SECONDS
    rests, left = 0, None
    while time.monotonic() < deadline:
        left = await unrest(dsn)
        rests = rests + 1 if left == (0, 0) else 0
        if rests == 2:
            return []
        await asyncio.sleep(LOOK_SECONDS)
    return [Breach(REST, f"after {REST_SECONDS:.0f} s without strikes (waiting, claims): {left}")]


async def unrest(dsn: str) -> tuple[int, ...] | None:
    """How many rows wait, and how many claims there are; None while the server still recovers."""
    try:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await (await connection.execute(UNREST)).fetchone()
    except psycopg.OperationalError:
        return None


def restless(fleet: Fleet, lives: Mapping[str, int]) -> list[Breach]:
    """The workers that could not be kept alive, though nothing struck them: one may still meet a poison."""
    return [
        Breach(WORKERS, f"worker {post.name} was started {post.lives - lives[post.name]} times while healing")
        for post in fleet.posts
        if post.lives - lives[post.name] > MOST_RESTARTS
    ]
