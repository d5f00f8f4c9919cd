"""Pausing and resuming queues."""

from pgqueue.calls.call import Call, call, function, nothing

PAUSE = function("pause", queue="text")
RESUME = function("resume", queue="text")


def pause(queue: str) -> Call[None]:
    """Give out no more jobs of the queue."""
    return call(PAUSE, {"queue": queue}, nothing)


def resume(queue: str) -> Call[None]:
    """Give them out again."""
    return call(RESUME, {"queue": queue}, nothing)
