"""When this worker takes a job that may have killed its workers before.

It must never hold two of them at once: if one kills us, the other would be charged for it.
"""

import time
from collections.abc import Callable

from pgqueue.delivery import Lease
from pgqueue.worker.book import Book

LOOK_SECONDS = 1.0  # a busy worker looks so often; an idle one whenever nothing else is due


class Apart:
    """One worker's looks into the line apart."""

    def __init__(self, book: Book, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._look_at = clock() + LOOK_SECONDS

    def wanted(self) -> bool | None:
        """What to ask of the next claim: one before any other, none, or one where nothing else is due."""
        if self._book.holds_apart:
            return False
        return True if self._clock() >= self._look_at else None

    def claimed(self, lease: Lease, *, wanted: bool | None) -> None:
        """A claim asked so was answered: where one such job waited there may be more, once it has ended."""
        if lease.is_apart:
            self._look_at = self._clock()
        elif wanted:
            self._look_at = self._clock() + LOOK_SECONDS
