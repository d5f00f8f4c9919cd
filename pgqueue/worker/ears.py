"""Wakes whom a notification concerns.

It must never be needed: without ears a worker polls.
"""

from pgqueue.worker.counts import Counts
from pgqueue.worker.keeper import Keeper
from pgqueue.worker.pump import Pump
from pgqueue.worker.sentry import Sentry


class Ears:
    """The ears of one worker, at the session that holds its locks: only those it listens to are told it."""

    def __init__(self, *, counts: Counts, sentry: Sentry, pump: Pump, keeper: Keeper) -> None:
        self._counts = counts
        self._sentry = sentry
        self._pump = pump
        self._keeper = keeper

    def heard(self, payload: str) -> None:
        """A notification came."""
        word, _, subject = payload.partition(" ")
        if word == "cancel" and subject.isdecimal():
            self._keeper.cancel(int(subject))
        elif self._sentry.hear(word, subject):
            self._counts.wakeups += 1
            self._pump.wake()
