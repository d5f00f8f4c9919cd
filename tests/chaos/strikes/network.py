"""Strikes at the network, which is the proxy."""

import asyncio

from tests.chaos.strikes.stage import Stage


async def cut(stage: Stage) -> str:
    """Cut some connections, in the middle of whatever they carry."""
    links = stage.proxy.some(stage.random, stage.random.choice((0.2, 0.6, 1.0)))
    for link in links:
        link.cut()
    return f"{len(links)} connections"


async def half_close(stage: Stage) -> str:
    """End one direction of some connections."""
    links = stage.proxy.some(stage.random, 0.4)
    towards_server = stage.random.random() < 0.5
    for link in links:
        link.half_close(towards_server=towards_server)
    return f"{len(links)} connections, towards the {'server' if towards_server else 'client'}"


async def silence(stage: Stage) -> str:
    """Lose all that the server says on some connections, and cut them after a while."""
    links = stage.proxy.some(stage.random, 0.4)
    seconds = stage.random.uniform(0.5, 6.0)
    for link in links:
        link.is_silent = True
    await asyncio.sleep(seconds)
    for link in links:
        link.cut()
    return f"{len(links)} connections for {seconds:.1f} s"


async def delay(stage: Stage) -> str:
    """Make every message late."""
    milliseconds, seconds = stage.random.choice((5, 50, 300)), stage.random.uniform(1.0, 4.0)
    stage.proxy.delay_seconds = milliseconds / 1000
    await asyncio.sleep(seconds)
    stage.proxy.delay_seconds = 0.0
    return f"{milliseconds} ms for {seconds:.1f} s"


async def refuse(stage: Stage) -> str:
    """Cut everything, and let nobody in for a while."""
    seconds = stage.random.uniform(0.5, 4.0)
    stage.proxy.is_refusing = True
    for link in tuple(stage.proxy.links):
        link.cut()
    await asyncio.sleep(seconds)
    stage.proxy.is_refusing = False
    return f"for {seconds:.1f} s"
