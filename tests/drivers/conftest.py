"""One database for all routes; each test keeps to a queue of its own."""

import uuid
from collections.abc import Iterator

import pytest

from pgqueue.migrate import upgrade
from tests.conftest import Server
from tests.drivers import asyncpg_routes, django_routes, psycopg_routes, sqlalchemy_routes
from tests.drivers.route import Route

ROUTES = (
    *psycopg_routes.ROUTES,
    *asyncpg_routes.ROUTES,
    *sqlalchemy_routes.ROUTES,
    *django_routes.ROUTES,
)


@pytest.fixture(params=ROUTES, ids=lambda route: route.name)
def route(request: pytest.FixtureRequest) -> Route:
    chosen: Route = request.param
    return chosen


@pytest.fixture(scope="session")
def home(server: Server) -> Iterator[str]:
    """A database with pgqueue, shared by the tests here."""
    with server.database(server.template()) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def elsewhere(server: Server) -> Iterator[str]:
    """A database with another installation."""
    with server.database("template0") as dsn:
        upgrade(dsn)
        yield dsn


@pytest.fixture(scope="session")
def nowhere(server: Server) -> Iterator[str]:
    """A database without pgqueue."""
    with server.database("template0") as dsn:
        yield dsn


@pytest.fixture
def queue() -> str:
    return f"queue-{uuid.uuid4().hex}"
