"""Databases of our own on a PostgreSQL server, ours or a given one; none may be left on a given one."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.failures import BenchmarkFailed
from benchmarks.given import OUR_OWN, Given
from benchmarks.servers import postgres_server
from pgqueue.embedded import EmbeddedPostgres

PREFIX = "pgqueue_bench_"
"""Begins the names of our databases on a given server; what a kill -9 left behind is known by it."""


class Databases:
    """Makes and drops them. admin: connected to the server; for whoever has to ask it something."""

    def __init__(
        self, dsn: str, admin: psycopg.Connection[Any], *, prefix: str, server: EmbeddedPostgres | None
    ) -> None:
        self.admin = admin
        self._dsn = dsn
        self._prefix = prefix
        self._server = server
        self._made: list[str] = []

    @property
    def pid(self) -> int:
        """The server's process id. Raises BenchmarkFailed on a given one."""
        if self._server is None:
            raise BenchmarkFailed("the processes of a given PostgreSQL cannot be looked at; leave out --dsn")
        return self._server.pid

    def create(
        self, name: str, *, template: str | None = None, settings: Mapping[str, str] | None = None
    ) -> str:
        """The DSN of a new one. settings: what every session in it starts with."""
        full = self._prefix + name
        self._made.append(name)
        if template is None:
            self._run("create database {}", full)
        else:
            self._run("create database {} template {}", full, self._prefix + template)
        for setting, value in (settings or {}).items():
            self._run("alter database {} set {} = {}", full, setting, sql.Literal(value))
        return make_conninfo(self._dsn, dbname=full)

    def drop(self, name: str) -> None:
        """Whoever is connected to it is thrown out."""
        self._run("drop database if exists {} with (force)", self._prefix + name)
        self._made.remove(name)

    def drop_all(self) -> None:
        """Those still there, the newest first."""
        for name in reversed(self._made.copy()):
            self.drop(name)

    def _run(self, statement: str, *parts: str | sql.Literal) -> None:
        spelled = [part if isinstance(part, sql.Literal) else sql.Identifier(part) for part in parts]
        self.admin.execute(sql.SQL(statement).format(*spelled))


@contextmanager
def open_databases(given: Given = OUR_OWN, settings: Mapping[str, str] | None = None) -> Iterator[Databases]:
    """On a server of our own with these settings, or on the given one as it is."""
    with ExitStack() as stack:
        server = None if given.dsn else stack.enter_context(postgres_server(settings))
        dsn = server.dsn() if server else str(given.dsn)
        admin = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        prefix = "" if server else f"{PREFIX}{secrets.token_hex(4)}_"
        databases = Databases(dsn, admin, prefix=prefix, server=server)
        try:
            yield databases
        finally:
            if server is None:
                databases.drop_all()


def with_options(dsn: str, options: str) -> str:
    """The same, with these options for the server's session beside those it has."""
    if not options:
        return dsn
    return make_conninfo(dsn, options=f"{conninfo_to_dict(dsn).get('options', '')} {options}".strip())
