"""Strikes at worker processes."""

import asyncio

from pgqueue import AsyncClient
from tests.chaos.load import poison_one
from tests.chaos.strikes.stage import Stage

BEYOND_LEASE_SECONDS = (4.5, 8.0)


async def kill(stage: Stage) -> str:
    """Kill one worker."""
    alive = stage.fleet.alive()
    if not alive:
        return "nobody was there"
    post = stage.random.choice(alive)
    stage.fleet.kill(post)
    return post.name


async def kill_all(stage: Stage) -> str:
    """Kill every worker at once, the frozen ones too."""
    for post in stage.fleet.posts:
        stage.fleet.kill(post)
    return f"{len(stage.fleet.posts)} workers"


async def freeze(stage: Stage) -> str:
    """Freeze one worker until its lease is over, then let it go on as if nothing had been."""
    alive = stage.fleet.alive()
    if not alive:
        return "nobody was there"
    post = stage.random.choice(alive)
    seconds = stage.random.uniform(*BEYOND_LEASE_SECONDS)
    frozen = post.lives
    stage.fleet.freeze(post)
    try:
        await asyncio.sleep(seconds)
    finally:
        if post.lives == frozen:
            stage.fleet.thaw(post)
    return f"{post.name} for {seconds:.1f} s"


async def poison(stage: Stage) -> str:
    """Enqueue a job that kills whoever runs it."""
    async with AsyncClient(stage.dsn, pool_size=1) as client:
        await poison_one(client, stage.ledger)
    return "one job"
