"""The kinds of jobs in a run, and how each may end; it must never run or judge one."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """ends: how it may end unless it was cancelled. has_effect: it writes one row as it ends."""

    ends: frozenset[str]
    max_attempts: int
    has_effect: bool = False


# Attempts count deliveries: so many that being taken back from killed workers uses them up for none.
PATIENT: Final = 500
SUCCEEDS: Final = frozenset({"succeeded"})
DIES: Final = frozenset({"dead"})

KINDS: Final = {
    "plain": Kind(SUCCEEDS, PATIENT),
    "blocking": Kind(SUCCEEDS, PATIENT),
    "flaky": Kind(SUCCEEDS, PATIENT),
    "snoozing": Kind(SUCCEEDS, PATIENT),
    "effect": Kind(SUCCEEDS, PATIENT, has_effect=True),
    "parent": Kind(SUCCEEDS, PATIENT, has_effect=True),
    "consumed": Kind(SUCCEEDS, PATIENT),
    "booked": Kind(SUCCEEDS, PATIENT, has_effect=True),
    "doomed": Kind(DIES, 2),
    "poison": Kind(DIES, 2),
}

# The queues of what no worker runs, by kind.
LIBRARY: Final = {"consumed": "consumed", "booked": "booked"}
