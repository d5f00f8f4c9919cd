"""Keeping leases: extending what still runs, taking back what a lost worker held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pgqueue.calls.call import Call, Row, call, function, scalar
from pgqueue.delivery import utc

EXTEND = function("extend", claims="bigint[]", lease="interval").answering(
    claim="bigint", expires_at="timestamptz", cancelled="bigint[]"
)
REAP = function("reap", reach="interval", dead="bigint[]", max_claims="integer")


@dataclass(frozen=True, slots=True)
class Extension:
    """A lease that is still ours: its new end, and which of its jobs somebody asked to cancel."""

    claim: int
    expires_at: datetime
    cancelled: tuple[int, ...]


def extend(claims: Sequence[int], lease: timedelta) -> Call[dict[int, Extension]]:
    """Keep these claims ours for `lease` from now. A claim missing in the answer is lost."""
    return call(EXTEND, {"claims": list(claims), "lease": lease}, extensions)


def reap(*, reach: timedelta | None = None, dead: Sequence[int] = (), max_claims: int = 100) -> Call[int]:
    """Take back what expired within that time, or ever, and what dead workers held. Returns how many jobs."""
    return call(REAP, {"reach": reach, "dead": list(dead), "max_claims": max_claims}, scalar)


def extensions(rows: Sequence[Row]) -> dict[int, Extension]:
    """By claim."""
    return {row[0]: Extension(row[0], utc(row[1]), tuple(row[2])) for row in rows}
