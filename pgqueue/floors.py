"""Where a claim may begin to look, so that it need not walk over what is dead but not vacuumed.

A floor is a hint: a wrong one delays a job by a sweep and never loses it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from pgqueue.delivery import Delivery, Lease

PRIORITIES = 10
IN_FLIGHT = timedelta(milliseconds=50)  # a row this young may be committed after rows that are younger

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)  # before the first id

Sweeps = tuple[tuple[float, float | None], ...]
"""How often to look how far below the floors, in seconds; None is everything, and comes last."""

# A job committed late is so found within a tenth of the time its transaction was
# open (but a second at most often), and the dead rows walked per second stay few.
SWEEPS: Sweeps = ((1, 10), (10, 100), (100, 1000), (1000, None))
# For a worker that hears nothing, not even that a queue which was paused for long is resumed.
DEAF_SWEEPS: Sweeps = ((1, 10), (10, 100), (30, None))


MOST_QUEUES = 1_000  # a client that claims from more begins to learn anew


class Floors:
    """The floors of some queues, one per queue and priority, as this claimer has learnt them."""

    def __init__(
        self,
        queues: Sequence[str],
        *,
        sweeps: Sweeps = SWEEPS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lines: dict[tuple[str, int], datetime | None] = {
            (queue, priority): None for queue in queues for priority in range(PRIORITIES)
        }
        self._clock = clock
        self._sweeps = sweeps
        self._swept = [-float("inf")] * len(sweeps)
        self._seen: tuple[datetime, float] | None = None

    def for_claim(self, queues: Sequence[str]) -> list[datetime | None]:
        """The floors to claim from these queues with; lower ones when a sweep is due."""
        ceiling = self._sweep()
        lines = (self._lines[queue, priority] for queue in queues for priority in range(PRIORITIES))
        if ceiling is None:
            return list(lines)
        return [None if floor is None else min(floor, ceiling) for floor in lines]

    def forget(self) -> bool:
        """Look everywhere at the next claim: after a sleep, who knows what was committed.

        At most once a second, so that a queue which wakes its worker often pays no more
        than a busy one. Returns whether the next claim looks everywhere.
        """
        if self._clock() - self._swept[-1] < self._sweeps[0][0]:
            return False
        self._swept = [-float("inf")] * len(self._sweeps)
        return True

    def learn(self, lease: Lease, *, asked: int) -> None:
        """Take note of where this claim found its jobs, and of what it found exhausted."""
        self._seen = (lease.claimed_at, self._clock())
        if len(lease) < asked:
            rest = lease.claimed_at - IN_FLIGHT
            self._lines = dict.fromkeys(self._lines, rest)
            return
        self._lines.update(first_of_each_line(lease.deliveries))

    def _sweep(self) -> datetime | None:
        """The highest floor a due sweep allows, or None if none is due; the epoch for a sweep of all."""
        now = self._clock()
        due = [index for index, (period, _) in enumerate(self._sweeps) if now - self._swept[index] >= period]
        if not due or self._seen is None:
            return None
        for index in range(due[-1] + 1):
            self._swept[index] = now
        reach = self._sweeps[due[-1]][1]
        if reach is None:
            return BEGINNING
        claimed_at, then = self._seen
        return claimed_at + timedelta(seconds=now - then) - timedelta(seconds=reach)


def first_of_each_line(deliveries: Sequence[Delivery]) -> dict[tuple[str, int], datetime]:
    """By queue and priority, when the first of these jobs fell due."""
    firsts: dict[tuple[str, int], datetime] = {}
    for delivery in deliveries:
        firsts.setdefault((delivery.queue, delivery.priority), delivery.visible_at)
    return firsts


class FloorsOfClient:
    """The floors of a client, which may claim from other queues each time and hears nothing."""

    def __init__(self) -> None:
        self._floors: dict[tuple[str, ...], Floors] = {}

    def of(self, queues: Sequence[str]) -> Floors:
        """The floors of claims from these queues."""
        key = tuple(queues)
        if key not in self._floors:
            if len(self._floors) >= MOST_QUEUES:
                self._floors.clear()
            self._floors[key] = Floors(key, sweeps=DEAF_SWEEPS)
        return self._floors[key]
