"""A PgBouncer in transaction mode, and one in session mode, in front of each test's database."""

from collections.abc import Iterator

import pytest

from tests.pgbouncer import pgbouncer, program
from tests.worker.conftest import ended, look, run_worker

__all__ = ["ended", "look", "run_worker"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if program() is None:
        missing = pytest.mark.skip(
            reason="there is no pgbouncer on this machine (Debian: apt-get install pgbouncer)"
        )
        for item in items:
            if "pooler" in item.path.parent.name:
                item.add_marker(missing)


@pytest.fixture
def pooled(dsn: str) -> Iterator[str]:
    """The test's database through transactions pooled over two server connections."""
    with pgbouncer(dsn) as pooled:
        yield pooled


@pytest.fixture
def pooled_by_session(dsn: str) -> Iterator[str]:
    """The same, where a client has a server connection for as long as it is connected."""
    with pgbouncer(dsn, mode="session", servers=20) as pooled:
        yield pooled
