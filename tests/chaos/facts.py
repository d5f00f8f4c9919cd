"""What the database says after a run, read in one snapshot; it must never judge."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from tests.chaos.servers import SQL


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's end, as the archive has it."""

    job: int
    claim: int
    attempt: int
    state: str
    is_final: bool
    worker: int | None
    claimed_at: datetime
    finished_at: datetime
    error: str | None


@dataclass(slots=True)
class Facts:
    """By key: bodies (ids), effects and orders (how many). By id: outcomes, redrives (how many), letters."""

    bodies: dict[int, list[int]] = field(default_factory=dict)
    outcomes: dict[int, list[Outcome]] = field(default_factory=dict)
    redrives: Counter[int] = field(default_factory=Counter)
    effects: Counter[int] = field(default_factory=Counter)
    orders: Counter[int] = field(default_factory=Counter)
    letters: frozenset[int] = frozenset()
    breaches: list[tuple[str, int]] = field(default_factory=list)
    leftovers: list[tuple[str, str]] = field(default_factory=list)


def read(dsn: str) -> Facts:
    """Everything, as of one moment."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return Facts(
            bodies=bodies(connection),
            outcomes=outcomes(connection),
            redrives=counted(connection, "select job from chaos.redrives"),
            effects=counted(connection, "select key from chaos.effects"),
            orders=counted(connection, "select key from chaos.orders"),
            letters=frozenset(counted(connection, "select job_id from pgqueue.dead_letters")),
            breaches=breaches(connection),
            leftovers=rows(connection, "leftovers.sql"),
        )


def breaches(connection: "psycopg.Connection[Any]") -> list[tuple[str, int]]:
    """Every invariant that does not hold, and for which job or claim."""
    return rows(connection, "invariants.sql")


def bodies(connection: "psycopg.Connection[Any]") -> dict[int, list[int]]:
    """The ids of every key: more than one, and a job was enqueued twice."""
    found: dict[int, list[int]] = defaultdict(list)
    for key, job, _task in rows(connection, "bodies.sql"):
        found[key].append(job)
    return found


def outcomes(connection: "psycopg.Connection[Any]") -> dict[int, list[Outcome]]:
    """Every job's outcomes, oldest first."""
    found: dict[int, list[Outcome]] = defaultdict(list)
    with connection.cursor(row_factory=class_row(Outcome)) as cursor:
        for outcome in cursor.execute((SQL / "outcomes.sql").read_bytes()):
            found[outcome.job].append(outcome)
    return found


def rows(connection: "psycopg.Connection[Any]", name: str) -> list[Any]:
    """The rows of a query in a file."""
    return connection.execute((SQL / name).read_bytes()).fetchall()


def counted(connection: "psycopg.Connection[Any]", query: str) -> Counter[int]:
    """How often each number comes in the query's only column."""
    return Counter(number for (number,) in connection.execute(query.encode()))
