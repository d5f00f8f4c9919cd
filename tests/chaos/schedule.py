"""When which strike falls: a deck of all of them, shuffled by the seed and dealt again and again.

It must never leave a strike out: the deck is dealt once at least, however short the run.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from random import Random

import psycopg

from pgqueue import PgQueueError
from tests.chaos.strikes import Stage, Strike

logger = logging.getLogger("tests.chaos")

BYSTANDERS = (psycopg.Error, PgQueueError, OSError)


def dealt(names: list[str], random: Random) -> Iterator[str]:
    """Every name once in each round, in an order of its own."""
    while True:
        yield from random.sample(names, len(names))


async def strike_until(
    ends_at: float, strikes: Mapping[str, Strike], stage: Stage, *, pause_seconds: float
) -> None:
    """Strike at random moments until it is time and all have been, and wait for their end."""
    names = list(strikes)
    async with asyncio.TaskGroup() as under_way:
        for number, name in enumerate(dealt(names, stage.random)):
            if time.monotonic() >= ends_at and number >= len(names):
                return
            under_way.create_task(make(name, strikes[name], stage))
            await asyncio.sleep(stage.random.uniform(0, 2 * pause_seconds))


async def make(name: str, strike: Strike, stage: Stage) -> None:
    """One strike. That another one was in its way is no fault of anybody's."""
    try:
        detail = await strike(stage)
    except BYSTANDERS as error:
        detail = f"cut short: {type(error).__name__}"
    stage.ledger.struck(name, detail)
