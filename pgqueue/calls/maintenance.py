"""Keeping the partitions: made ahead, dropped when their time is past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pgqueue.calls.call import Call, Row, call, function, scalar
from pgqueue.delivery import utc

MAKE_PARTITIONS = function("make_partitions", ahead="integer")
PAST_WINDOWS = function("past_windows")
DROP_WINDOW = function("drop_window", parent="text", name="text", carry="integer")
DELETE_LEFTOVERS = function("delete_leftovers", most="integer")

WINDOWS_AHEAD = 2
LARGEST_CARRY = 10_000  # rows moved in one transaction; more keep their partition for another round
LARGEST_DELETE = 1_000

Fate = Literal["dropped", "emptied", "needed", "locked"]
"""What became of a passed partition; `emptied` is dropped later, `locked` tried again."""


@dataclass(frozen=True, slots=True)
class Window:
    """A partition whose time is past."""

    parent: str
    name: str
    low: datetime
    high: datetime


def make_partitions(ahead: int = WINDOWS_AHEAD) -> Call[int]:
    """Make the partitions missing from now to `ahead` windows from now. Returns how many were made."""
    return call(MAKE_PARTITIONS, {"ahead": ahead}, scalar)


def past_windows() -> Call[list[Window]]:
    """The partitions whose time is past, oldest first."""
    return call(PAST_WINDOWS, {}, windows)


def drop_window(window: Window) -> Call[Fate]:
    """Carry forward what still waits in it, then drop it. A transaction of its own, and a short one."""
    values = {"parent": window.parent, "name": window.name, "carry": LARGEST_CARRY}
    return call(DROP_WINDOW, values, scalar)


def delete_leftovers() -> Call[int]:
    """Delete some old rows that lie outside any window. Returns how many."""
    return call(DELETE_LEFTOVERS, {"most": LARGEST_DELETE}, scalar)


def windows(rows: Sequence[Row]) -> list[Window]:
    """One a row."""
    return [Window(row[0], row[1], utc(row[2]), utc(row[3])) for row in rows]
