"""Serves the app by itself, with uvicorn. It must never believe what a header says of who asks."""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from fastapi import FastAPI

from pgqueue.errors import MissingExtra
from pgqueue.http.app import stop

try:
    import uvicorn
except ModuleNotFoundError as error:
    raise MissingExtra("uvicorn is not installed; run: pip install 'pgqueue-py[http]'") from error

SIGNALS = (signal.SIGTERM, signal.SIGINT)
SOCKETS = "/_nicegui_ws"  # part of the paths of the dashboard's sockets


class WithoutSecrets(logging.Filter):
    """Keeps out of uvicorn's lines what would let their readers act: pages' ids, sessions' cookies."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut the query off a socket's path; of DEBUG, which tells headers and frames, write nothing."""
        if isinstance(record.args, tuple):
            record.args = tuple(map(without_query, record.args))
        return record.levelno > logging.DEBUG


def without_query(value: object) -> object:
    """The same, but a socket's path ends before its query."""
    return value.partition("?")[0] if isinstance(value, str) and SOCKETS in value else value


WITHOUT_SECRETS = WithoutSecrets()


class Server(uvicorn.Server):
    """Serves an app until SIGTERM or SIGINT; a second one does not wait for what is under way.

    grace: how long requests may take to end after the first.
    """

    def __init__(self, app: FastAPI, *, grace: timedelta) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                log_config=None,  # the process's own logging
                proxy_headers=False,  # whoever connects is the peer, whatever X-Forwarded-For says
                server_header=False,
                timeout_graceful_shutdown=int(grace.total_seconds()),
            )
        )
        self._served = app
        for name in ("uvicorn.error", "uvicorn.access"):
            logging.getLogger(name).addFilter(WITHOUT_SECRETS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer who waits, then let what is under way end."""
        stop(self._served)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn does, but a process told to stop ends well: the signal is not raised once more."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any that is free. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # asyncio sets it on sockets it makes itself. Without, each answer waits 40 ms for the one who asked.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL of what is served there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: FastAPI, sockets: Sequence[socket.socket], *, grace: timedelta) -> None:
    """Serve the app on these sockets until told to stop."""
    asyncio.run(Server(app, grace=grace).serve(list(sockets)))
