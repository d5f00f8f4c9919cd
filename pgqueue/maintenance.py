"""One round of keeping the house, as a script of calls; it runs none itself.

It must never hold two partitions' locks at once: each call is a transaction of its own.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from pgqueue.calls.call import Call
from pgqueue.calls.maintenance import (
    Fate,
    Window,
    delete_leftovers,
    drop_window,
    make_partitions,
    past_windows,
)

Script = Generator[Call[Any], Any, "Maintenance"]
"""Yields a call, is sent its answer, and returns what was done."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What a round did.

    made: partitions made ahead. fates: every partition whose time is past, and what became of it.
    deleted: old rows deleted outside any partition's window.
    """

    made: int
    fates: tuple[tuple[Window, Fate], ...]
    deleted: int


def maintenance() -> Script:
    """Make partitions ahead, drop what is past and not needed, delete what lies about.

    Where a relation is locked, its other partitions wait for the next round.
    """
    made = yield make_partitions()
    fates: list[tuple[Window, Fate]] = []
    busy: set[str] = set()
    for window in (yield past_windows()):
        if window.parent in busy:
            continue
        fate = yield drop_window(window)
        fates.append((window, fate))
        if fate == "locked":
            busy.add(window.parent)
    deleted = yield delete_leftovers()
    return Maintenance(made, tuple(fates), deleted)
