"""What an installation holds at one moment, asked for again and again.

It must never cost more the longer a transaction elsewhere keeps dead rows from being cleared:
where nothing waits is remembered, and not looked at again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pgqueue.calls.call import Call
from pgqueue.calls.stats import (
    LINES,
    HorizonHolder,
    QueueSample,
    QueueStats,
    RelationStats,
    WorkerStats,
    horizon_holders,
    queue_stats,
    relation_stats,
    worker_stats,
)
from pgqueue.sweeps import EVERYTHING, Levels, Sweeps

SWEEPS: Levels = ((30, EVERYTHING),)  # a long transaction may commit what it enqueued long ago
IN_FLIGHT = timedelta(seconds=1)  # most transactions that enqueue commit within it; a sweep finds the rest


@dataclass(frozen=True, slots=True)
class Stats:
    """What an installation holds.

    relations: every table, each partition by itself.
    horizon: who keeps vacuum from clearing up, the oldest first.
    """

    queues: tuple[QueueStats, ...]
    workers: tuple[WorkerStats, ...]
    relations: tuple[RelationStats, ...]
    horizon: tuple[HorizonHolder, ...]


class Sampler:
    """Asks for the stats of one installation, and learns from each answer where not to look the next time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sweeps = Sweeps(SWEEPS, clock=clock)
        self._floors: dict[str, list[datetime]] = {}
        self._asked_at = 0.0
        self._is_sweep = True

    def ask(self) -> list[Call[Any]]:
        """The calls that make a sample; their answers go to `learn`, in this order."""
        self._is_sweep = bool(self._sweeps.due())
        self._asked_at = self._clock()
        known = [] if self._is_sweep else list(self._floors)
        floors = [floor for queue in known for floor in self._floors[queue]]
        return [queue_stats(known, floors), worker_stats(), relation_stats(), horizon_holders()]

    def learn(self, answers: Sequence[Any]) -> Stats:
        """What the answers say."""
        samples: list[QueueSample] = answers[0]
        if self._is_sweep:
            self._sweeps.made(EVERYTHING, took_seconds=self._clock() - self._asked_at)
        self._floors = {sample.stats.queue: floors_of(sample) for sample in samples}
        return Stats(tuple(sample.stats for sample in samples), *(tuple(rows) for rows in answers[1:]))


def floors_of(sample: QueueSample) -> list[datetime]:
    """Below which moment nothing waits, line by line, some time allowed for what has not committed yet."""
    firsts = sample.floors or (None,) * LINES
    return [min(first or sample.moment, sample.moment) - IN_FLIGHT for first in firsts]
