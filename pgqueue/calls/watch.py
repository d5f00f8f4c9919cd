"""How sleepers are woken: the watch over queues, and their bells."""

from collections.abc import Sequence
from datetime import timedelta

from pgqueue.calls.call import Call, call, column, function, nothing, scalar

TAKE_WATCH = function("take_watch", queues="text[]")
LEAVE_WATCH = function("leave_watch", queues="text[]")
ARM = function("arm", queues="text[]")
DISARM = function("disarm", queues="text[]")
NEXT_DUE = function("next_due", queues="text[]")


def take_watch(queues: Sequence[str]) -> Call[list[str]]:
    """Try to be the one idle worker that keeps watch over each queue. Returns those that are ours now."""
    return call(TAKE_WATCH, {"queues": list(queues)}, column)


def leave_watch(queues: Sequence[str]) -> Call[None]:
    """Give these watches up and tell the other sleepers."""
    return call(LEAVE_WATCH, {"queues": list(queues)}, nothing)


def arm(queues: Sequence[str]) -> Call[list[str]]:
    """Try to hold these bells, so that the next enqueue rings. One with an enqueue in flight is missing."""
    return call(ARM, {"queues": list(queues)}, column)


def disarm(queues: Sequence[str]) -> Call[None]:
    """Let these bells go: enqueues need not ring."""
    return call(DISARM, {"queues": list(queues)}, nothing)


def next_due(queues: Sequence[str]) -> Call[timedelta | None]:
    """How long until the next scheduled job of the queues falls due; None if there is none."""
    return call(NEXT_DUE, {"queues": list(queues)}, scalar)
