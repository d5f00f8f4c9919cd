"""Whom a page was made for, and for which page a socket speaks. It must never speak for another.

The library trusts whoever knows a page's id.
"""

from collections.abc import Callable
from typing import Any

from nicegui import Client, core

from pgqueue.dashboard.board import Viewer
from pgqueue.dashboard.door import VIEWER

MESSAGES = ("event", "javascript_response", "ack", "log")  # each names a page, whatever socket it comes by

Handler = Callable[[str, dict[str, Any]], None]


def made_for(page: str) -> Viewer | None:
    """Whom the page of this id was made for."""
    client = Client.instances.get(page)
    viewer: Viewer | None = client.request.scope.get(VIEWER) if client else None
    return viewer


def bind_sockets() -> None:
    """Have what a socket says taken for its own page alone: the one the door has let it in for."""
    for name in MESSAGES:
        core.sio.on(name, handler=own_page_alone(core.sio.handlers["/"][name]))


def own_page_alone(handle: Handler) -> Handler:
    """The same handler, deaf to a socket that names a page it is not joined to."""

    def checked(socket: str, message: dict[str, Any]) -> None:
        if message["client_id"] in core.sio.rooms(socket):
            handle(socket, message)

    return checked
