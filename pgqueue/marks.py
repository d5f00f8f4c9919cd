"""What can still appear below the floors: known from which transactions were under way when.

A row becomes visible when its transaction commits, however long ago it was written. Transactions are
numbered as they first write. So, once every transaction older than a mark has ended and what they left
has been looked at, whatever appears later was written after that mark, and lies above the floors as
they were then. It must never take a mark for older than it is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

MOST = 64  # under a transaction of an hour, ever fewer marks are kept


class Place(NamedTuple):
    """Where a row stands in its line, a queue's priority."""

    moment: datetime
    id: int = 0


Line = tuple[str, int]
Lines = Mapping[Line, Place | None]


class Mark(NamedTuple):
    """The number of a transaction, and the floors when it began."""

    transaction: int
    lines: Lines


def add(marks: tuple[Mark, ...], mark: Mark) -> tuple[Mark, ...]:
    """With one more, in order; thinned out where they are many: the oldest stays, and the youngest do."""
    ordered = sorted((*marks, mark), key=lambda each: each.transaction)
    if len(ordered) > MOST:
        del ordered[1 : MOST // 2 : 2]
    return tuple(ordered)


def settle(marks: tuple[Mark, ...], oldest: int) -> tuple[Mark, ...]:
    """From the youngest on that no transaction under way is older than; all of them if there is none."""
    settled = [number for number, mark in enumerate(marks) if mark.transaction <= oldest]
    return marks[settled[-1] :] if settled else marks


def is_settled(marks: tuple[Mark, ...], oldest: int) -> bool:
    """Whether the first of them is one."""
    return bool(marks) and marks[0].transaction <= oldest
