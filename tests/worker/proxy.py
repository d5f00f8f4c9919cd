"""Stands between a client or a worker and the server, to lose what a network loses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

SOCKET = ".s.PGSQL.5432"


class Link:
    """One connection through the proxy.

    is_muted: what the server says is lost. is_deaf: what the client says is lost. Both are
    taken in and swallowed, as by a machine in the middle that has lost its way.
    keeps_server: the server does not learn that the client has gone.
    """

    def __init__(self, to_client: asyncio.StreamWriter, to_server: asyncio.StreamWriter) -> None:
        self.is_muted = False
        self.is_deaf = False
        self.keeps_server = False
        self._to_client = to_client
        self._to_server = to_server

    def silence(self) -> None:
        """Swallow everything from now on; the server does not see the client go."""
        self.is_muted = self.is_deaf = self.keeps_server = True

    def cut(self) -> None:
        """Break the client's side; the server's follows unless it is kept."""
        self._to_client.transport.abort()

    def cut_server(self) -> None:
        self._to_server.transport.abort()

    def end_client(self) -> None:
        """Half-close: the client reads the end, what it still says arrives."""
        self._to_client.write_eof()

    def end_server(self) -> None:
        """Half-close: the server reads the end, what it still says arrives."""
        self._to_server.write_eof()


class Proxy:
    """Forwards between its own socket in `folder` and the server's, one Link per connection.

    delay_seconds: how long each piece takes on its way, in either direction.
    is_silent: new connections are taken and never answered. says_only_hello: they are
    answered once, and never again.
    """

    def __init__(self, dsn: str, folder: Path | None) -> None:
        parts = urlsplit(dsn)
        self._server_path = f"{parse_qs(parts.query)['host'][0]}/{SOCKET}"
        self._folder = folder
        self._parts = parts
        self.delay_seconds = 0.0
        self.is_silent = False
        self.says_only_hello = False
        self.links: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 5432

    @property
    def dsn(self) -> str:
        """How to come through here: over a socket in the folder, without one over TCP."""
        host = "127.0.0.1" if self._folder is None else str(self._folder)
        return f"postgresql://{self._parts.netloc}{self._parts.path}?host={quote(host)}&port={self._port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        if self._folder is None:
            server: asyncio.Server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self._port = server.sockets[0].getsockname()[1]
        else:
            server = await asyncio.start_unix_server(self._accept, str(self._folder / SOCKET))
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def silence(self) -> None:
        """From now on nothing gets through, on old connections or new ones, and nobody is told."""
        self.is_silent = True
        for link in self.links:
            link.silence()

    def heal(self) -> None:
        """New connections work again; the silent ones stay as they are."""
        self.is_silent = self.says_only_hello = False

    def cut(self) -> None:
        """Break every connection at both ends."""
        for link in self.links:
            link.cut()
            link.cut_server()

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._server_path)
        link = Link(to_client, to_server)
        if self.is_silent:
            link.silence()
        self.links.append(link)
        for forwarding in (self._to_server(link, from_client), self._to_client(link, from_server)):
            task = asyncio.create_task(forwarding)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _to_server(self, link: Link, from_client: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await from_client.read(65536):
                await self._travel()
                if not link.is_deaf:
                    link._to_server.write(data)
                if self.says_only_hello:
                    link.is_deaf = True
        if not link.keeps_server:
            link.cut_server()

    async def _to_client(self, link: Link, from_server: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await from_server.read(65536):
                await self._travel()
                if not link.is_muted:
                    link._to_client.write(data)
        if not link.is_muted or not link.keeps_server:
            link.cut()

    async def _travel(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
