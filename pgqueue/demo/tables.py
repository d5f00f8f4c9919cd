"""The demo's own tables and questions: sql/demo holds the statements, this runs them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg

from pgqueue.assets import sql_files
from pgqueue.demo.facts import Facts
from pgqueue.errors import PgQueueError
from pgqueue.migrate import for_schema
from pgqueue.settings import SCHEMA

Connection = psycopg.Connection[Any]
AsyncConnection = psycopg.AsyncConnection[Any]


class DemoRunsAlready(PgQueueError):
    """Another demo is at work in this database."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the demo's jobs are, as the database counts them.

    retried: failed attempts that were tried again. seconds: from the first claim to the last end.
    """

    succeeded: int
    retried: int
    dead: int
    cancelled: int
    rows_written: int
    seconds: float

    @property
    def ended(self) -> int:
        """How many jobs have come to an end."""
        return self.succeeded + self.dead + self.cancelled


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that failed, and whether the job is dead of it."""

    job_id: int
    attempt: int
    is_dead: bool
    error: str


@contextmanager
def demo_tables(connection: Connection) -> Iterator[None]:
    """The tables, made anew and dropped at the end; one demo at a time has them. Raises DemoRunsAlready."""
    ((is_ours,),) = connection.execute(statement("lock"))
    if not is_ours:
        raise DemoRunsAlready("a demo is running in this database already: let it end, or give another --dsn")
    connection.execute(statement("drop_tables"))
    connection.execute(statement("make_tables"))
    try:
        yield
    finally:
        connection.execute(statement("drop_tables"))
        connection.execute(statement("unlock"))


async def save(connection: AsyncConnection, job_id: int, path: str, facts: Facts) -> None:
    """Write what is in a file, in the connection's transaction."""
    values = {
        "job_id": job_id,
        "path": path,
        "lines": facts.lines,
        "functions": facts.functions,
        "classes": facts.classes,
        "modules": list(facts.modules),
    }
    await connection.execute(statement("save"), values)


def standing(connection: Connection, job_ids: Sequence[int], schema: str = SCHEMA) -> Standing:
    """How far these jobs are."""
    (row,) = connection.execute(statement("standing", schema), {"jobs": list(job_ids)})
    return Standing(*row)


def failures(connection: Connection, job_ids: Sequence[int], schema: str = SCHEMA) -> list[Failure]:
    """The failed attempts of these jobs, in the order they failed."""
    rows = connection.execute(statement("failures", schema), {"jobs": list(job_ids)}).fetchall()
    return [Failure(*row) for row in rows]


def most_imported(connection: Connection) -> list[tuple[str, int]]:
    """The ten modules that most files import, and how many do."""
    return [(module, files) for module, files in connection.execute(statement("most_imported"))]


@cache
def statement(name: str, schema: str = SCHEMA) -> bytes:
    """A statement of sql/demo, by its file's name."""
    return for_schema(dict(sql_files("demo"))[name], schema).encode()
