"""Calls a blocking handler in a thread, in the job's context, and brings back whatever it raises.

It must never let an exception reach the thread pool: asyncio's futures cannot carry StopIteration.
"""

import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call in a thread came to: a value, or the error it raised."""

    value: Any = None
    error: BaseException | None = None

    def unpack(self) -> Any:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error  # a StopIteration leaves a coroutine as a RuntimeError, by Python's own rule
        return self.value


def call_in_context(function: Callable[[], Any]) -> Callable[[], Returned]:
    """The call to make in a thread, within a copy of the context as it is now."""
    context = contextvars.copy_context()

    def call() -> Returned:
        try:
            return Returned(context.run(function))
        except BaseException as error:  # noqa: BLE001 - all of it is the runner's to judge
            return Returned(error=error)

    return call
