"""The API over a test's own database: called directly, as a program of the same machine would."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pgqueue import AsyncClient
from pgqueue.http import close, create_app

NOWHERE = "postgresql://127.0.0.1:1/none"
LOCAL = ("127.0.0.1", 50_000)


def caller(
    app: Callable[..., Any], *, peer: tuple[str, int] = LOCAL, base_url: str = "http://127.0.0.1:8000"
) -> httpx.AsyncClient:
    """Calls the app as this peer."""
    transport = httpx.ASGITransport(app=app, client=peer, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest.fixture
async def make_app(dsn: str) -> AsyncIterator[Callable[..., FastAPI]]:
    """Makes apps, of this database unless told otherwise, which are closed at the end."""
    async with AsyncExitStack() as stack:

        def make(where: str = dsn, **options: Any) -> FastAPI:
            app = create_app(where, **options)
            stack.push_async_callback(close, app)
            return app

        yield make


@pytest.fixture
async def api(make_app: Callable[..., FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(make_app()) as api:
        yield api


@pytest.fixture
async def unasked() -> AsyncIterator[FastAPI]:
    """An app whose database is not there: for what is answered without asking it."""
    app = create_app(NOWHERE)
    yield app
    await close(app)


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(dsn) as client:
        yield client
