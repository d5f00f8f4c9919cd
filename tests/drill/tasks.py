"""The one task of the drill: it takes a moment, as if it waited for a network, and says that it ran."""

import asyncio

from pgqueue import task
from tests.drill.ledger import tell

QUEUE = "drill"


@task(name="tests.drill.take", queue=QUEUE)
async def take(key: int, seconds: float) -> None:
    """Take so long."""
    await asyncio.sleep(seconds)
    tell(key)
