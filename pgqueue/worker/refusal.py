"""What a refusal of the server means for what we said: a pure decision."""

from enum import Enum, auto

import psycopg

from pgqueue.drivers.failures import sqlstate_of

UNSPEAKABLE = (
    "21",
    "22",
    "23",
    "54",
    "PQ",
)  # classes of data, constraints and limits: it would be refused again
BLOCKED = (
    "55P03",
    "40P01",
    "40001",
)  # somebody holds what we need: lock_not_available, deadlock, serialization


class Refusal(Enum):
    """Why a report was refused."""

    OURS = auto()
    """Something in it cannot be said, ever: which ending is it?"""

    BLOCKED = auto()
    """A transaction is in the way of one ending: tell the others, and that one later."""

    THEIRS = auto()
    """The server is in no state to take it (read-only, full, of another version): all of it later."""


def refusal_of(error: Exception) -> Refusal:
    """What kind of refusal this is."""
    state = sqlstate_of(error)
    if state is None:  # psycopg's own: it could not be written down
        return Refusal.OURS if isinstance(error, psycopg.DataError) else Refusal.THEIRS
    if state in BLOCKED:
        return Refusal.BLOCKED
    return Refusal.OURS if state.startswith(UNSPEAKABLE) else Refusal.THEIRS
