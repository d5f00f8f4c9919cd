"""Keeping the partitions: made ahead, dropped when their time is past, and what lies about beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pgqueue.calls.call import Call, Row, call, function, scalar
from pgqueue.delivery import utc

MAKE_AHEAD = function("make_ahead", parent="text", ahead="integer")
PAST_WINDOWS = function("past_windows").answering(
    parent="text", name="text", low="timestamptz", high="timestamptz"
)
DROP_WINDOW = function("drop_window", parent="text", name="text", carry="integer", parent_is_busy="boolean")
EMPTY_DEFAULT = function("empty_default", parent="text", most="integer")
DELETE_LEFTOVERS = function("delete_leftovers", most="integer")

PARENTS = ("ready", "claims", "jobs", "outcomes", "progress")
WINDOWS_AHEAD = 2
LARGEST_CARRY = 10_000  # rows moved in one transaction, which is to stay short
LARGEST_DELETE = 1_000

Making = Literal["made", "there", "locked"]
Fate = Literal["dropped", "carried", "emptied", "needed", "locked"]
"""What became of a passed partition; `emptied` is dropped later, `carried` and `locked` tried again."""


@dataclass(frozen=True, slots=True)
class Window:
    """A partition whose time is past."""

    parent: str
    name: str
    low: datetime
    high: datetime


def make_ahead(parent: str) -> Call[Making]:
    """Make one partition that this table lacks, in a transaction of its own; call again after `made`."""
    return call(MAKE_AHEAD, {"parent": parent, "ahead": WINDOWS_AHEAD}, scalar)


def past_windows() -> Call[list[Window]]:
    """The partitions whose time is past, oldest first."""
    return call(PAST_WINDOWS, {}, windows)


def drop_window(window: Window, *, parent_is_busy: bool = False) -> Call[Fate]:
    """Carry forward what still waits in it, then drop it. A transaction of its own, and a short one.

    parent_is_busy: only empty it; its table was found in use a moment ago.
    """
    values = {
        "parent": window.parent,
        "name": window.name,
        "carry": LARGEST_CARRY,
        "parent_is_busy": parent_is_busy,
    }
    return call(DROP_WINDOW, values, scalar)


def empty_default(parent: str) -> Call[int]:
    """Take some rows out of a default partition whose time is past. Returns how many."""
    return call(EMPTY_DEFAULT, {"parent": parent, "most": LARGEST_CARRY}, scalar)


def delete_leftovers() -> Call[int]:
    """Delete some old rows that lie outside any window. Returns how many."""
    return call(DELETE_LEFTOVERS, {"most": LARGEST_DELETE}, scalar)


def windows(rows: Sequence[Row]) -> list[Window]:
    """One a row."""
    return [Window(row[0], row[1], utc(row[2]), utc(row[3])) for row in rows]
