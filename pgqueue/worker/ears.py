"""Hears notifications on a connection of its own, and wakes whom they concern.

It must never be needed: without ears a worker polls.
"""

import logging

import psycopg
from psycopg import sql

from pgqueue.worker.connections import Connections
from pgqueue.worker.keeper import Keeper
from pgqueue.worker.line import Connection, Line, LineBroken
from pgqueue.worker.pump import Pump
from pgqueue.worker.sentry import Sentry

logger = logging.getLogger("pgqueue.worker")


class Ears:
    """The ears of one worker."""

    def __init__(self, connections: Connections, *, sentry: Sentry, pump: Pump, keeper: Keeper) -> None:
        self._connections = connections
        self._channel = sql.Identifier(connections.schema)
        self._line = Line(
            connections.direct_dsn or "",
            schema=connections.schema,
            options=connections.options,
            greeting=self._listen,
        )
        self._sentry = sentry
        self._pump = pump
        self._keeper = keeper

    async def run(self) -> None:
        """Hear until cancelled, connecting again as often as needed."""
        try:
            while True:
                await self._line.reopen()
                self._sentry.has_ears = True
                self._pump.look()
                self._keeper.doubt()  # a cancellation may have gone unheard
                try:
                    await self._line.notifications(self._heard)
                except LineBroken as error:
                    logger.warning("lost the notifications, polling meanwhile: %s", error)
                finally:
                    self._sentry.has_ears = False
                    self._pump.look()  # the line may be gone with it, and whoever rings now is not heard
        finally:
            await self._line.drop()

    async def _listen(self, connection: Connection) -> None:
        await connection.execute(sql.SQL("listen {}").format(self._channel))

    def _heard(self, notification: psycopg.Notify) -> None:
        word, _, subject = notification.payload.partition(" ")
        if word == "cancel" and subject.isdecimal():
            self._keeper.cancel(int(subject))
        elif self._sentry.hear(word, subject):
            self._pump.wake()
