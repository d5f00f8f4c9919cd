"""A network to spoil, and what the worker's tests use."""

from collections.abc import AsyncIterator

import pytest

from tests.worker.conftest import client, ended, look, run_worker
from tests.worker.proxy import Proxy

__all__ = ["client", "ended", "look", "network", "run_worker"]


@pytest.fixture
async def network(dsn: str) -> AsyncIterator[Proxy]:
    """Between its users and the server, over TCP."""
    async with Proxy(dsn, None).running() as network:
        yield network
