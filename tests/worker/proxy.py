"""Stands between a worker and the server, to lose what a network loses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

SOCKET = ".s.PGSQL.5432"


class Link:
    """One connection through the proxy.

    is_muted: what the server says is lost. keeps_server: the server does not learn that the client has gone.
    """

    def __init__(self, to_client: asyncio.StreamWriter, to_server: asyncio.StreamWriter) -> None:
        self.is_muted = False
        self.keeps_server = False
        self._to_client = to_client
        self._to_server = to_server

    def cut(self) -> None:
        """Break the client's side; the server's follows unless it is kept."""
        self._to_client.transport.abort()

    def cut_server(self) -> None:
        self._to_server.transport.abort()


class Proxy:
    """Forwards between its own socket in `folder` and the server's, one Link per connection."""

    def __init__(self, dsn: str, folder: Path) -> None:
        parts = urlsplit(dsn)
        self._server_path = f"{parse_qs(parts.query)['host'][0]}/{SOCKET}"
        self._path = str(folder / SOCKET)
        self.dsn = f"postgresql://{parts.netloc}{parts.path}?host={quote(str(folder))}&port=5432"
        self.links: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_unix_server(self._accept, self._path)
        try:
            yield self
        finally:
            server.close()
            for link in self.links:
                link.cut()
                link.cut_server()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._server_path)
        link = Link(to_client, to_server)
        self.links.append(link)
        for forwarding in (self._to_server(link, from_client), self._to_client(link, from_server)):
            task = asyncio.create_task(forwarding)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _to_server(self, link: Link, from_client: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await from_client.read(65536):
                link._to_server.write(data)
        if not link.keeps_server:
            link.cut_server()

    async def _to_client(self, link: Link, from_server: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await from_server.read(65536):
                if not link.is_muted:
                    link._to_client.write(data)
        link.cut()
