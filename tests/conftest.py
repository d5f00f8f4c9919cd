"""Gives every test a real PostgreSQL and a fresh database of its own.

It must never let one test see another's rows, nor reach a server it did not start.
"""

import shutil
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade

# A shell starts its background jobs with SIGINT ignored, and so would every process started here be.
signal.signal(signal.SIGINT, signal.default_int_handler)

EMBEDDED = "18"
OLDEST = "15"
DEBIAN_OLDEST = Path("/usr/lib/postgresql/15/bin")
SQL_TESTS = Path(__file__).parent / "sql"
TEMPLATE = "pgqueue_template"
SETTINGS = {
    "fsync": "off",  # nothing here survives a power cut; tests of durability start their own server
    "full_page_writes": "off",
    "autovacuum": "off",  # it would analyse behind a plan test's back
    "max_connections": "200",
    "max_locks_per_transaction": "256",
}


class Server:
    """One running PostgreSQL, from which tests get their databases."""

    def __init__(self, version: str, postgres: EmbeddedPostgres, admin: psycopg.Connection[Any]) -> None:
        self.version = version
        self.postgres = postgres
        self.admin = admin
        self.has_template = False

    def dsn(self, database: str = "postgres") -> str:
        return self.postgres.dsn(database)

    def run(self, statement: str, **names: str) -> None:
        """Run a statement about databases; the names stand in it as {name}."""
        identifiers = {key: sql.Identifier(name) for key, name in names.items()}
        self.admin.execute(sql.SQL(statement).format(**identifiers))

    def template(self) -> str:
        """The database with our schema installed, made at the first call."""
        if not self.has_template:
            self.run("create database {name}", name=TEMPLATE)
            upgrade(self.dsn(TEMPLATE))
            self.has_template = True
        return TEMPLATE

    @contextmanager
    def database(self, template: str) -> Iterator[str]:
        """The DSN of a fresh copy of a template, dropped at the end even if somebody is still connected."""
        name = f"test_{uuid.uuid4().hex}"
        # Copied as files: less work for the server than writing every page to the log.
        self.run(
            "create database {name} template {template} strategy file_copy", name=name, template=template
        )
        try:
            yield self.dsn(name)
        finally:
            self.run("drop database {name} with (force)", name=name)


class Servers:
    """The servers of this run by version, each started when a test first asks for it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, Server] = {}

    def get(self, version: str) -> Server:
        if version not in self._running:
            binaries = None if version == EMBEDDED else oldest_binaries()
            postgres = self._stack.enter_context(EmbeddedPostgres(settings=SETTINGS, binaries=binaries))
            admin = self._stack.enter_context(psycopg.connect(postgres.dsn(), autocommit=True))
            self._running[version] = Server(version, postgres, admin)
        return self._running[version]


def oldest_binaries() -> Path | None:
    """Where the oldest PostgreSQL we support is installed on this machine, if it is."""
    if DEBIAN_OLDEST.is_dir():
        return DEBIAN_OLDEST
    command = shutil.which("pg_config")
    if command is None or f"PostgreSQL {OLDEST}." not in _output(command, "--version"):
        return None
    return Path(_output(command, "--bindir"))


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        choices=(EMBEDDED, OLDEST, "all"),
        help="run every test on this PostgreSQL; without it: tests/sql and those marked every_postgres on"
        " all that are here, the rest on the embedded one",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", _versions(metafunc), indirect=True, scope="session")


def _versions(metafunc: pytest.Metafunc) -> list[str]:
    chosen: str | None = metafunc.config.getoption("--postgres")
    present = oldest_binaries() is not None
    if chosen == OLDEST and not present:
        raise pytest.UsageError(f"--postgres={OLDEST}: no PostgreSQL {OLDEST} found on this machine")
    if chosen not in (None, "all"):
        return [chosen]
    marked = metafunc.definition.get_closest_marker("every_postgres") is not None
    wants_all = chosen == "all" or marked or metafunc.definition.path.is_relative_to(SQL_TESTS)
    return [EMBEDDED, OLDEST] if wants_all and present else [EMBEDDED]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8, and some tests log what cannot be written in it."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    return servers.get(request.param)


@pytest.fixture
def dsn(server: Server) -> Iterator[str]:
    """A fresh database with our schema in it."""
    with server.database(server.template()) as dsn:
        yield dsn


@pytest.fixture
def bare_dsn(server: Server) -> Iterator[str]:
    """A fresh database without our schema."""
    with server.database("template0") as dsn:
        yield dsn


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def async_connection(dsn: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        yield connection
