"""One connection as the SQL tests use it: our functions by name; it must never hide what they answer."""

import datetime as dt
import json
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import psycopg
from psycopg.rows import namedtuple_row

PATIENCE_SECONDS = 10.0
DEFAULT_QUEUE = "mail"
ARGUMENT_TYPES = """
    select argument.name, pg_catalog.format_type(argument.type, null)
    from pg_catalog.pg_proc as routine
    cross join lateral unnest(routine.proargnames, routine.proargtypes::oid[]) as argument (name, type)
    where routine.pronamespace = 'pgqueue'::regnamespace
        and routine.proname = %s
        and argument.type is not null
"""

Row = Any


class Session:
    """A connection and the functions of pgqueue, each with its parameters by name."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._types: dict[str, dict[str, str]] = {}

    def run(self, statement: str, *values: Any) -> list[Row]:
        """The rows of a statement, as named tuples; none where it returns none. One dict names the values."""
        named = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        with self.connection.cursor(row_factory=namedtuple_row) as cursor:
            cursor.execute(statement, named or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: Any) -> Any:
        """The one value a statement returns."""
        return self.run(statement, *values)[0][0]

    def call(self, name: str, /, **values: Any) -> list[Row]:
        """The rows one of our functions answers; what is not given keeps its default."""
        types = self.types(name)
        arguments = ", ".join(f"{key} => %s::{types[key]}" for key in values)
        return self.run(f"select * from pgqueue.{name}({arguments})", *values.values())

    def types(self, name: str) -> dict[str, str]:
        """The SQL type of each parameter of a function."""
        if name not in self._types:
            self._types[name] = {row[0]: row[1] for row in self.run(ARGUMENT_TYPES, name)}
        return self._types[name]

    def enqueue(self, queue: str | None = DEFAULT_QUEUE, task: str | None = "send", **options: Any) -> int:
        """One job; its id."""
        found: int = self.call("enqueue", queue=queue, task=task, **options)[0][0]
        return found

    def enqueue_many(self, count: int, **options: Any) -> list[int]:
        """Many jobs alike, but for the number in their payload; their ids in order."""
        payloads = [json.dumps({"number": number}) for number in range(count)]
        values = {"queues": [DEFAULT_QUEUE], "tasks": ["send"], "payloads": payloads} | options
        found: list[int] = self.call("enqueue_many", **values)[0][0]
        return found

    def enqueue_each(self, count: int, **options: Any) -> list[int]:
        """The same, but each in a bundle of its own: the most rows that so many jobs can make."""
        return self.enqueue_many(count, keep_results=[False] * count, **options)

    def claim(self, *queues: str, **options: Any) -> list[Row]:
        """The jobs a claim takes, one a row; empty where none is due."""
        rows = self.call("claim", queues=list(queues or (DEFAULT_QUEUE,)), **options)
        return [row for row in rows if row.job is not None]

    def finish(self, held: Sequence[Row], *states: str, **options: Any) -> list[Row]:
        """Report how these claimed jobs ended; what was no longer theirs."""
        claims, jobs = [row.claim for row in held], [row.job for row in held]
        return self.call("finish", claims=claims, jobs=jobs, states=list(states or ("succeeded",)), **options)

    def complete(self, held: Row, **options: Any) -> None:
        """Finish one claimed job in this session's transaction."""
        self.call("complete", claim=held.claim, job=held.job, **options)

    def extend(self, *claims: int, lease: dt.timedelta = dt.timedelta(minutes=1)) -> list[Row]:
        """The claims still held, with their new end."""
        return self.call("extend", claims=list(claims), lease=lease)

    def reap(self, **options: Any) -> int:
        """How many jobs were taken back."""
        found: int = self.call("reap", **options)[0][0]
        return found

    def get(self, job: int) -> Row:
        """Everything known of a job, or None."""
        rows = self.call("get_job", job=job)
        return rows[0] if rows else None

    def state(self, job: int) -> str:
        """The job's state, in one word."""
        found: str = self.get(job).state
        return found

    def history(self, job: int) -> list[tuple[int, str]]:
        """(attempt, state) of every outcome, oldest first."""
        rows = self.run(
            "select attempt, state from pgqueue.outcomes_of(%s) order by attempt, finished_at", job
        )
        return [(row.attempt, row.state) for row in rows]

    def count(self, table: str) -> int:
        """How many rows one of our tables holds."""
        found: int = self.value(f"select count(*) from pgqueue.{table}")
        return found

    def everything(self) -> dict[str, int]:
        """How many rows each table of jobs holds: equal before and after where nothing was written."""
        tables = (
            "jobs",
            "ready",
            "claims",
            "outcomes",
            "dead_letters",
            "cancellations",
            "queues",
            "progress",
        )
        return {table: self.count(table) for table in tables}

    def transaction(self) -> AbstractContextManager[Any, bool]:
        """A block that commits, or rolls back where it fails; `psycopg.Rollback` ends it quietly."""
        return cast("AbstractContextManager[Any, bool]", self.connection.transaction())

    def close(self) -> None:
        """Cut the connection, as a crash of the client would."""
        self.connection.close()


class InBackground:
    """A call that may have to wait for another session, made in a thread of its own."""

    def __init__(self, session: Session, name: str, /, **values: Any) -> None:
        session.types(name)
        self._pid = session.connection.info.backend_pid
        self._rows: list[Row] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(session, name, values))
        self._thread.start()

    def _run(self, session: Session, name: str, values: dict[str, Any]) -> None:
        try:
            self._rows = session.call(name, **values)
        except BaseException as error:  # noqa: BLE001 - handed to the one who asks for the rows
            self._error = error

    def wait_until_blocked(self, observer: Session) -> None:
        """Come back once the call stands in the queue for a lock."""
        deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=PATIENCE_SECONDS)
        while not observer.value("select cardinality(pg_blocking_pids(%s)) > 0", self._pid):
            assert self._thread.is_alive(), "the call did not have to wait"
            assert dt.datetime.now(dt.UTC) < deadline, "the call neither waits nor ends"

    def rows(self) -> list[Row]:
        """What the call answered, or its error, raised here."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the call is still waiting"
        if self._error is not None:
            raise self._error
        return self._rows


class Clock:
    """The database's clock in the test's hands: it stands at 10:20:30 today until it is moved."""

    def __init__(self, session: Session) -> None:
        self._session = session
        session.run("create table public.test_clock (moment timestamptz not null)")
        session.run(
            "insert into public.test_clock select date_trunc('day', now(), 'UTC') + interval '10:20:30'"
        )
        session.run(
            "create or replace function pgqueue.now() returns timestamptz language sql volatile"
            " as 'select moment from public.test_clock'"
        )

    def now(self) -> dt.datetime:
        """The moment the database believes in."""
        found: dt.datetime = self._session.value("select moment from public.test_clock")
        return found

    def advance(self, **by: float) -> None:
        """Move on; by: days, hours, minutes or seconds, as timedelta takes them."""
        self._session.run("update public.test_clock set moment = moment + %s", dt.timedelta(**by))
