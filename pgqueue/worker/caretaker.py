"""Keeps the partitions, as often as their windows ask, where it is this worker's turn to keep the house.

It must never keep the worker's own line busy: a step may move ten thousand
rows, and jobs are claimed and leases extended meanwhile.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import psycopg

from pgqueue.maintenance import maintenance
from pgqueue.worker.connections import Connections
from pgqueue.worker.line import Line, first_line

logger = logging.getLogger("pgqueue.worker")

MAINTENANCE_SECONDS = 60.0  # after a round that failed; one that did not says when the next is due
LOOK_SECONDS = 1.0


class Caretaker:
    """One worker's part in it.

    is_ours: tells whether it is our turn.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        is_ours: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connections = connections
        self._is_ours = is_ours
        self._clock = clock
        self._next_at = 0.0

    async def tick(self) -> None:
        """A round of maintenance, if one is due. Raises LineBroken."""
        if not self._is_ours() or self._clock() < self._next_at:
            return
        self._next_at = self._clock() + MAINTENANCE_SECONDS
        own = self._connections.another()
        try:
            await own.open()
        except (psycopg.Error, OSError) as error:
            logger.warning("no connection for maintenance, sharing the worker's: %s", first_line(error))
            await self._maintain(self._connections.line)
            return
        try:
            await self._maintain(own)
        finally:
            await own.drop()

    async def _maintain(self, line: Line) -> None:
        script = maintenance()
        answer: Any = None
        while self._is_ours():
            try:
                call = script.send(answer)
            except StopIteration as done:
                self._next_at = self._clock() + done.value.next_round.total_seconds()
                return
            (answer,) = await line.run(call)
