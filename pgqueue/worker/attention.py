"""Hears what a server says of its own accord, while no call is under way on its connection.

It must never be at the socket together with a call: who reads for a call hears for us.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg

Heard = Callable[[str], None]


class Attention:
    """The attention to one connection at a time, in the running loop.

    heard: called with the payload of each notification. broke: called when the connection is found broken.
    """

    def __init__(self, heard: Heard, broke: Callable[[psycopg.Error], None]) -> None:
        self._heard = heard
        self._broke = broke
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._socket = -1

    def begin(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Hear, from now until `end`."""
        self._connection = connection
        self._socket = connection.fileno()
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        self._tell(connection)  # what was read with an answer leaves nothing in the socket to wake us

    def end(self) -> None:
        """Somebody else will read."""
        if self._connection is not None:
            self._connection = None
            asyncio.get_running_loop().remove_reader(self._socket)

    def _read(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            connection.pgconn.consume_input()
            self._tell(connection)
        except psycopg.Error as error:
            self.end()
            self._broke(error)

    def _tell(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while notification := connection.pgconn.notifies():
            self._heard(notification.extra.decode(connection.info.encoding, "replace"))
