"""One PostgreSQL for a whole scenario, and a fresh database for every measurement that needs one.

What one measurement left behind, dead tuples above all, must never slow the next.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.contestants import Contestant
from benchmarks.cpu import cpu_seconds
from benchmarks.servers import postgres_server
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.system import TableSystem
from benchmarks.systems.usual_table import UsualTable
from pgqueue.embedded import EmbeddedPostgres

KINDS: dict[str, type[PgQueue] | type[UsualTable]] = {PgQueue.name: PgQueue, UsualTable.name: UsualTable}
HOST_SETTINGS = {
    "autovacuum_naptime": "10s",  # as whoever runs a busy queue would have it; the usual table needs it most
    "max_connections": "300",
}


class Host:
    """The server, and who is connected to it as its administrator."""

    def __init__(self, server: EmbeddedPostgres, admin: psycopg.Connection[Any]) -> None:
        self._server = server
        self.admin = admin
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    def cpu_seconds(self) -> float:
        """What the server has spent so far, all its processes together."""
        return cpu_seconds(self._server.pid)

    @contextmanager
    def database(self, contestant: Contestant, settings: Mapping[str, str] | None = None) -> Iterator[str]:
        """The DSN of a fresh database with the system in it, dropped at the end of the block.

        settings: what every session in it starts with.
        """
        name = f"{contestant.system.replace('-', '_')}_{next(self._numbers)}"
        self._run("create database {} template {}", name, self._template(contestant.system))
        try:
            for setting, value in (settings or {}).items():
                self._run("alter database {} set {} = {}", name, setting, sql.Literal(value))
            yield self._server.dsn(name)
        finally:
            self._run("drop database if exists {} with (force)", name)

    def _template(self, system: str) -> str:
        if system not in self._templates:
            name = f"{system.replace('-', '_')}_template"
            self._run("create database {}", name)
            KINDS[system].install(self._server.dsn(name))
            self._templates[system] = name
        return self._templates[system]

    def _run(self, statement: str, *parts: str | sql.Literal) -> None:
        spelled = [part if isinstance(part, sql.Literal) else sql.Identifier(part) for part in parts]
        self.admin.execute(sql.SQL(statement).format(*spelled))


@contextmanager
def postgres_host(settings: Mapping[str, str] | None = None) -> Iterator[Host]:
    """A server that ends with the block."""
    with (
        postgres_server(HOST_SETTINGS | dict(settings or {})) as server,
        psycopg.connect(server.dsn(), autocommit=True) as admin,
    ):
        yield Host(server, admin)


def connect(contestant: Contestant, dsn: str, *, is_counted: bool = False) -> TableSystem:
    """The system as one client sees it; to be closed. is_counted: see PgQueue."""
    if contestant.system == PgQueue.name:
        return PgQueue(dsn, contestant.durability, is_counted=is_counted)
    return UsualTable(dsn, contestant.durability)
