"""The one way a test waits for what it cannot be told of: it looks again and again, until a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.005


async def until(question: Callable[[], Any | Awaitable[Any]], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first answer that is true. Fails where there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        answer = await answer if inspect.isawaitable(answer) else answer
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        await asyncio.sleep(LOOK_SECONDS)
