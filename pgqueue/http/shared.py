"""One answer for all who ask at about the same time; it must never ask twice at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Asks on behalf of many. An answer, or an error, is good for `fresh_seconds` from when it came."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, fresh_seconds: float) -> None:
        self._ask = ask
        self._fresh_seconds = fresh_seconds
        self._asking: asyncio.Future[T] | None = None
        self._stale_at = 0.0

    async def get(self) -> T:
        """The answer; whoever goes away meanwhile does not take it from the others."""
        if self._asking is None or (self._asking.done() and time.monotonic() >= self._stale_at):
            self._asking = asyncio.ensure_future(self._timed())
            self._asking.add_done_callback(retrieved)
        return await asyncio.shield(self._asking)

    async def _timed(self) -> T:
        try:
            return await self._ask()
        finally:
            self._stale_at = time.monotonic() + self._fresh_seconds


def retrieved(asked: "asyncio.Future[T]") -> None:
    """Take the error, if there is one: whoever waited was told, and that nobody did is no error."""
    if not asked.cancelled():
        asked.exception()
