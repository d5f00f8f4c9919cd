"""One round of keeping the house, as a script of calls; it runs none itself.

It must never hold two partitions' locks at once: each call is a transaction of its own.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pgqueue.calls.call import Call
from pgqueue.calls.maintenance import (
    PARENTS,
    Fate,
    Window,
    delete_leftovers,
    drop_window,
    empty_default,
    make_ahead,
    past_windows,
)
from pgqueue.calls.settings import InstallationSettings, show_settings

Calls = Generator[Call[Any], Any, Any]
Script = Generator[Call[Any], Any, "Maintenance"]
"""Yields a call, is sent its answer, and returns what was done."""

REPEATS = 20  # calls for one partition in a round: a large backlog is carried forward over several rounds
LONGEST_PAUSE = timedelta(minutes=1)
SHORTEST_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What a round did.

    made: partitions made ahead. locked: tables that lack one, and were in use.
    fates: every partition whose time is past, and what became of it.
    emptied: rows that left a default partition. deleted: old rows deleted outside any window.
    next_round: how soon it is worth doing it again.
    """

    made: int
    locked: tuple[str, ...]
    fates: tuple[tuple[Window, Fate], ...]
    emptied: int
    deleted: int
    next_round: timedelta


def maintenance() -> Script:
    """Make partitions ahead, drop what is past and not needed, delete what lies about.

    What is locked waits for the next round.
    """
    settings = yield show_settings()
    made, locked = yield from make_all()
    fates = yield from drop_past()
    emptied = 0
    for parent in PARENTS:
        emptied += yield from repeated(empty_default(parent))
    deleted = yield from repeated(delete_leftovers())
    return Maintenance(made, locked, fates, emptied, deleted, next_round(settings))


def make_all() -> Calls:
    """Every table's windows, one at a time; a table in use is left for the next round."""
    made = 0
    locked = []
    for parent in PARENTS:
        while (fate := (yield make_ahead(parent))) == "made":
            made += 1
        if fate == "locked":
            locked.append(parent)
    return made, tuple(locked)


def drop_past() -> Calls:
    """Every window whose time is past; of a table in use they are only emptied."""
    fates: list[tuple[Window, Fate]] = []
    busy: set[str] = set()
    for window in (yield past_windows()):
        fate: Fate = "carried"
        for _ in range(REPEATS):
            fate = yield drop_window(window, parent_is_busy=window.parent in busy)
            if fate != "carried":
                break
        fates.append((window, fate))
        if fate in {"emptied", "locked"}:
            busy.add(window.parent)
    return tuple(fates)


def repeated(asked: Call[int]) -> Calls:
    """The same call until it finds nothing more. Returns the sum of its answers."""
    total = 0
    for _ in range(REPEATS):
        found = yield asked
        total += found
        if not found:
            break
    return total


def next_round(settings: InstallationSettings) -> timedelta:
    """Twice in a window, so that none is missing when its time comes; once a minute is enough."""
    shortest = min(settings.ready_window, settings.history_window) / 2
    return max(SHORTEST_PAUSE, min(LONGEST_PAUSE, shortest))
