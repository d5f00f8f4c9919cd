"""One PostgreSQL for a whole scenario, and a fresh database for every measurement that needs one.

What one measurement left behind, dead tuples above all, must never slow the next.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.contestants import Contestant
from benchmarks.cpu import cpu_seconds
from benchmarks.databases import Databases, open_databases
from benchmarks.given import OUR_OWN, Given
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.system import TableSystem
from benchmarks.systems.usual_table import UsualTable

KINDS: dict[str, type[PgQueue] | type[UsualTable]] = {PgQueue.name: PgQueue, UsualTable.name: UsualTable}
HOST_SETTINGS = {
    "autovacuum_naptime": "10s",  # as whoever runs a busy queue would have it; the usual table needs it most
    "max_connections": "300",
}


class Host:
    """The server, and who is connected to it as its administrator."""

    def __init__(self, databases: Databases) -> None:
        self.admin = databases.admin
        self._databases = databases
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    def cpu_seconds(self) -> float:
        """What the server has spent so far, all its processes together; never on a given one."""
        return cpu_seconds(self._databases.pid)

    @contextmanager
    def database(self, contestant: Contestant, settings: Mapping[str, str] | None = None) -> Iterator[str]:
        """The DSN of a fresh database with the system in it, dropped at the end of the block.

        settings: what every session in it starts with.
        """
        name = f"{contestant.system.replace('-', '_')}_{next(self._numbers)}"
        dsn = self._databases.create(name, template=self._template(contestant.system), settings=settings)
        try:
            yield dsn
        finally:
            self._databases.drop(name)

    @contextmanager
    def bare_database(self) -> Iterator[str]:
        """The DSN of a fresh database with nothing in it, dropped at the end of the block."""
        name = f"bare_{next(self._numbers)}"
        dsn = self._databases.create(name)
        try:
            yield dsn
        finally:
            self._databases.drop(name)

    def _template(self, system: str) -> str:
        if system not in self._templates:
            name = f"{system.replace('-', '_')}_template"
            KINDS[system].install(self._databases.create(name))
            self._templates[system] = name
        return self._templates[system]


@contextmanager
def postgres_host(settings: Mapping[str, str] | None = None, *, given: Given = OUR_OWN) -> Iterator[Host]:
    """A server that ends with the block, or the given one, as it is."""
    with open_databases(given, HOST_SETTINGS | dict(settings or {})) as databases:
        yield Host(databases)


def connect(contestant: Contestant, dsn: str, *, is_counted: bool = False) -> TableSystem:
    """The system as one client sees it; to be closed. is_counted: see PgQueue."""
    if contestant.system == PgQueue.name:
        return PgQueue(dsn, contestant.durability, is_counted=is_counted)
    return UsualTable(dsn, contestant.durability)
