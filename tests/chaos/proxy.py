"""A network that fails: forwards to the server's socket, and cuts, delays, half-closes and loses on demand.

It must never invent or reorder a byte: what arrives at all arrives as it was sent.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

SOCKET = ".s.PGSQL.5432"
CHUNK_BYTES = 65536


class Link:
    """One connection through the proxy. is_silent: nothing of what the server says arrives any more."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.is_silent = False

    def cut(self) -> None:
        """Break both sides at once."""
        self.client.transport.abort()
        self.server.transport.abort()

    def half_close(self, *, towards_server: bool) -> None:
        """End one direction; the other goes on."""
        writer = self.server if towards_server else self.client
        with suppress(OSError, RuntimeError):
            if not writer.is_closing():
                writer.write_eof()


class Proxy:
    """Listens on a socket in `folder`, one Link per connection.

    delay_seconds: what each chunk waits, either way. is_refusing: new connections are cut at once.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self.delay_seconds = 0.0
        self.is_refusing = False
        self.links: set[Link] = set()
        self._path = folder / SOCKET
        self._target = target

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Forward inside the block."""
        server = await asyncio.start_unix_server(self._accept, self._path)
        try:
            yield self
        finally:
            server.close()
            for link in tuple(self.links):
                link.cut()

    def some(self, random: Random, share: float) -> list[Link]:
        """About this share of the links, one at least where there is any."""
        links = sorted(self.links, key=id)
        chosen = [link for link in links if random.random() < share]
        return chosen or links[:1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.is_refusing:
                raise ConnectionRefusedError
            from_server, to_server = await asyncio.open_unix_connection(self._target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, to_server)
        self.links.add(link)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forward(link, reader, to_server, is_answer=False))
                both.create_task(self._forward(link, from_server, writer, is_answer=True))
        finally:
            link.cut()
            self.links.discard(link)

    async def _forward(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        """Until this direction ends; its end is passed on, the other direction goes on."""
        with suppress(OSError, RuntimeError):
            while data := await reader.read(CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if not (is_answer and link.is_silent):
                    writer.write(data)
                    await writer.drain()
        link.half_close(towards_server=not is_answer)
