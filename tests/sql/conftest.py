"""Gives the SQL tests sessions that never wait unnoticed, and a clock to turn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.sql.session import Clock, Session

NO_WAIT = "-c lock_timeout=300ms -c timezone=UTC"  # nothing here may wait for a lock, unless a test says so
PATIENT = "-c lock_timeout=10s -c timezone=UTC"

OpenSession = Callable[..., Session]


@pytest.fixture
def open_session(dsn: str) -> Iterator[OpenSession]:
    """Opens one more session; `patient=True` for one that has to wait in this test."""
    with ExitStack() as stack:

        def open_one(*, patient: bool = False) -> Session:
            options = PATIENT if patient else NO_WAIT
            connection = psycopg.connect(dsn, autocommit=True, options=options)
            stack.callback(connection.close)
            return Session(connection)

        yield open_one


@pytest.fixture
def session(open_session: OpenSession) -> Session:
    return open_session()


@pytest.fixture
def other(open_session: OpenSession) -> Session:
    """A second session, for races."""
    return open_session()


@pytest.fixture
def clock(open_session: OpenSession) -> Clock:
    """The database's clock, which stands still from here on."""
    return Clock(open_session())
