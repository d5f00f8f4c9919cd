"""How sleepers are woken: the watch over queues, its successors' posts, and the bells."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pgqueue.calls.call import Call, Row, call, column, function, nothing, scalar

TAKE_WATCH = function("take_watch", queues="text[]", posts="integer[]")
LEAVE_WATCH = function("leave_watch", queues="text[]")
LEAVE_POSTS = function("leave_posts", queues="text[]", posts="integer[]")
ARM = function("arm", queues="text[]")
DISARM = function("disarm", queues="text[]")
NEXT_DUE = function("next_due", queues="text[]")
LISTEN = function("listen")
UNLISTEN = function("unlisten")

WATCH = 0  # in the place of a post's number


def take_watch(queues: Sequence[str], posts: Mapping[str, int]) -> Call[dict[str, int]]:
    """Try to be the one idle worker that keeps watch over each queue, or to have a post among its successors.

    posts: those we have. Returns what is new, by queue: `WATCH`, or the number of a post.
    """
    values = {"queues": list(queues), "posts": [posts.get(queue) for queue in queues]}
    return call(TAKE_WATCH, values, places)


def leave_watch(queues: Sequence[str]) -> Call[None]:
    """Give these watches up and tell those in the posts."""
    return call(LEAVE_WATCH, {"queues": list(queues)}, nothing)


def leave_posts(posts: Mapping[str, int]) -> Call[None]:
    """Make room in these posts."""
    return call(LEAVE_POSTS, {"queues": list(posts), "posts": list(posts.values())}, nothing)


def arm(queues: Sequence[str]) -> Call[list[str]]:
    """Try to hold these bells, so that the next enqueue rings. One with an enqueue in flight is missing."""
    return call(ARM, {"queues": list(queues)}, column)


def disarm(queues: Sequence[str]) -> Call[None]:
    """Let these bells go: enqueues need not ring."""
    return call(DISARM, {"queues": list(queues)}, nothing)


def next_due(queues: Sequence[str]) -> Call[timedelta | None]:
    """How long until the next scheduled job of the queues falls due; None if there is none."""
    return call(NEXT_DUE, {"queues": list(queues)}, scalar)


def listen() -> Call[None]:
    """Hear of cancellations and of resumed queues, in this session."""
    return call(LISTEN, {}, nothing)


def unlisten() -> Call[None]:
    """Hear of them no more."""
    return call(UNLISTEN, {}, nothing)


def places(rows: Sequence[Row]) -> dict[str, int]:
    """By queue, the post; the watch counts as one."""
    return {row[0]: row[1] for row in rows}
