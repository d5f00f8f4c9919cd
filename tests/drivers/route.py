"""A route: one library's connection and how its user commits, rolls back and sets a savepoint.

It must never show the tests which library it is: they say the same for all.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from pgqueue import AsyncClient, Client, Job


async def settled(value: Any) -> Any:
    """The value, waited for where it must be."""
    return await value if inspect.isawaitable(value) else value


@dataclass(frozen=True)
class Handle:
    """An open connection in somebody's program. `savepoint` is one that is rolled back at its end."""

    connection: object
    begin: Callable[[], Any]
    commit: Callable[[], Any]
    rollback: Callable[[], Any]
    savepoint: Callable[[], AbstractAsyncContextManager[None]]

    @asynccontextmanager
    async def transaction(self, *, commits: bool = True) -> AsyncIterator[None]:
        """A transaction that ends in a commit or a rollback."""
        await settled(self.begin())
        try:
            yield
        except BaseException:
            await settled(self.rollback())
            raise
        await settled((self.commit if commits else self.rollback)())


Opened = Callable[[str], AbstractAsyncContextManager[Handle]]


@dataclass(frozen=True)
class Route:
    """How to open a connection, and one on which each statement commits by itself."""

    name: str
    is_async: bool
    opened: Opened
    opened_autocommit: Opened

    def client(self, dsn: str | None = None, *, payload_limit_bytes: int = 1024 * 1024) -> "AnyClient":
        """The client that belongs to it."""
        kind = AsyncClient if self.is_async else Client
        return AnyClient(kind(dsn, payload_limit_bytes=payload_limit_bytes))

    def other_client(self) -> "AnyClient":
        """The client that does not."""
        return AnyClient(Client() if self.is_async else AsyncClient())


@dataclass(frozen=True)
class AnyClient:
    """A blocking or async client, awaited either way."""

    client: Client | AsyncClient

    async def enqueue(self, job: Job, **options: Any) -> int:
        made: int = await settled(self.client.enqueue(job, **options))
        return made

    async def call(self, method: str, *values: Any, **options: Any) -> Any:
        return await settled(getattr(self.client, method)(*values, **options))


async def nothing() -> None:
    """For libraries that begin by themselves, or are in autocommit."""


def made_async(blocking: Callable[[], Any]) -> Callable[[], AbstractAsyncContextManager[None]]:
    """A blocking context manager as an async one."""

    @asynccontextmanager
    async def entered() -> AsyncIterator[None]:
        with blocking():
            yield

    return entered


@contextmanager
def rolled_back(savepoint: Any) -> Iterator[None]:
    """A blocking savepoint that is rolled back at the end."""
    try:
        yield
    finally:
        savepoint.rollback()
