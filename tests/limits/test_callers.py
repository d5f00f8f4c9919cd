"""Tests of enqueueing and completing in transactions that fail, are limited, or stand in each other's way.

The error keeps the server's class and says what to do; nothing is half done; the next try works.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel, errors

from pgqueue import Client, Delivery, JobRecord, task
from pgqueue.calls.finish import complete
from pgqueue.drivers import psycopg as driver
from tests.sql.session import Session
from tests.waiting import until

pytestmark = pytest.mark.every_postgres

Connection = psycopg.Connection[Any]


@task(name="note")
def note() -> None: ...


@task(name="echo")
def echo(text: str) -> None: ...


@pytest.fixture
def client() -> Client:
    """It enqueues on its callers' connections alone."""
    return Client()


@pytest.fixture
def caller(dsn: str) -> Iterator[Connection]:
    """An application's connection."""
    with psycopg.connect(dsn) as connection:
        yield connection
        connection.rollback() if not connection.closed else None


@pytest.fixture
def other(dsn: str) -> Iterator[Connection]:
    """Somebody else's."""
    with psycopg.connect(dsn) as connection:
        yield connection
        connection.rollback()


def jobs_in(connection: Connection) -> int:
    return Session(connection).count("bodies")


@contextmanager
def refused(kind: type[Exception], *, advising: str) -> Iterator[None]:
    """The server's own error, and what it says to do."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert any(advising in said for said in getattr(caught.value, "__notes__", ())), caught.value.__notes__


@pytest.mark.parametrize(
    ("limit", "kind"),
    [("statement_timeout", errors.QueryCanceled), ("lock_timeout", errors.LockNotAvailable)],
)
def test_a_time_limit_of_the_session_ends_the_call_and_nothing_else(
    client: Client, caller: Connection, other: Connection, limit: str, kind: type[Exception]
) -> None:
    other.execute("lock table pgqueue.jobs in access exclusive mode")
    caller.execute(f"set local {limit} = '50ms'")
    with refused(kind, advising=limit):
        client.enqueue(note.job(), connection=caller)
    caller.rollback()
    other.rollback()

    client.enqueue(note.job(), connection=caller)
    caller.commit()
    assert jobs_in(other) == 1


def test_a_time_limit_of_the_transaction_ends_the_session_and_leaves_nothing(
    client: Client, caller: Connection, other: Connection
) -> None:
    if caller.info.server_version < 170_000:
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    other.execute("lock table pgqueue.ready in access exclusive mode")
    caller.execute("set local transaction_timeout = '500ms'")
    with refused(errors.TransactionTimeout, advising="transaction_timeout"):
        client.enqueue(note.job(), connection=caller)
    other.rollback()

    assert jobs_in(other) == 0


async def test_a_session_that_idled_for_too_long_is_told_that_nothing_of_it_stays(
    client: Client, caller: Connection, other: Connection
) -> None:
    caller.autocommit = other.autocommit = True
    caller.execute("set idle_in_transaction_session_timeout = '50ms'")
    caller.autocommit = False
    with pytest.raises(psycopg.Error) as caught:
        await enqueue_before_and_after_the_session_ended(client, caller, other)

    assert any("nothing of it was done" in said for said in caught.value.__notes__)
    assert jobs_in(other) == 0


async def enqueue_before_and_after_the_session_ended(
    client: Client, caller: Connection, other: Connection
) -> None:
    client.enqueue(note.job(), connection=caller)
    alive = "select count(*) from pg_stat_activity where pid = %s"
    await until(lambda: not Session(other).value(alive, caller.info.backend_pid))
    client.enqueue(note.job(), connection=caller)


def test_a_transaction_aborted_before_says_to_roll_back(client: Client, caller: Connection) -> None:
    with pytest.raises(errors.DivisionByZero):
        caller.execute("select 1 / 0")
    with refused(errors.InFailedSqlTransaction, advising="roll back"):
        client.enqueue(note.job(), connection=caller)


def test_a_savepoint_is_enough_to_go_on(client: Client, caller: Connection, other: Connection) -> None:
    client.enqueue(note.job(), connection=caller)
    with pytest.raises(errors.DivisionByZero), caller.transaction(), enqueued(client, caller):
        caller.execute("select 1 / 0")
    client.enqueue(note.job(), connection=caller)
    caller.commit()

    assert jobs_in(other) == 2


@contextmanager
def enqueued(client: Client, connection: Connection) -> Iterator[None]:
    """A job goes first."""
    client.enqueue(note.job(), connection=connection)
    yield


def test_a_transaction_that_may_only_read_says_where_to_go(client: Client, caller: Connection) -> None:
    caller.execute("set transaction read only")
    with refused(errors.ReadOnlySqlTransaction, advising="primary"):
        client.enqueue(note.job(), connection=caller)


def test_a_full_disk_says_so_and_the_same_call_works_once_there_is_space(
    client: Client, caller: Connection, other: Connection
) -> None:
    other.execute("create table public.full_disk ()")
    other.execute(
        """
        create function public.refuse() returns trigger language plpgsql as $$
        begin
            if to_regclass('public.full_disk') is not null then
                raise exception 'could not extend file' using errcode = 'disk_full';
            end if;
            return new;
        end $$;
        create trigger refuse before insert on pgqueue.ready for each row execute function public.refuse()
        """
    )
    other.commit()
    with refused(errors.DiskFull, advising="Free space"), caller.transaction():
        client.enqueue(note.job(), connection=caller)
    assert jobs_in(caller) == 0
    other.execute("drop table public.full_disk")
    other.commit()

    client.enqueue(note.job(), connection=caller)
    caller.commit()
    assert jobs_in(other) == 1


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
def test_an_older_snapshot_may_enqueue_into_a_queue_that_was_new_meanwhile(
    client: Client, caller: Connection, other: Connection, level: IsolationLevel
) -> None:
    caller.isolation_level = level
    caller.execute("select count(*) from pgqueue.bodies")
    client.enqueue(note.job(), queue="new", connection=other)
    other.commit()

    client.enqueue(note.job(), queue="new", connection=caller)
    caller.commit()
    assert jobs_in(other) == 2


def test_completing_on_a_snapshot_older_than_the_lease_s_last_extension_is_to_be_repeated(
    client: Client, caller: Connection, other: Connection
) -> None:
    client.enqueue(note.job(), connection=other)
    (held,) = client.claim("default", connection=other)
    other.commit()
    caller.isolation_level = IsolationLevel.REPEATABLE_READ
    caller.execute("select count(*) from pgqueue.bodies")
    Session(other).extend(held.claim)
    other.commit()
    with refused(errors.SerializationFailure, advising="run the whole transaction again"):
        driver.run(caller, completion(held), "pgqueue")
    caller.rollback()

    driver.run(caller, completion(held), "pgqueue")
    caller.commit()
    assert Session(other).state(held.id) == "succeeded"


def completion(held: Delivery) -> Any:
    return complete(held.claim, held.id, run_seconds=None, result=None)


def test_enqueues_in_opposite_orders_stand_in_nobodys_way(
    client: Client, caller: Connection, other: Connection
) -> None:
    for connection in (caller, other):
        connection.execute("set lock_timeout = '10s'")
    for queue in ("a", "b", "c"):
        client.enqueue(note.job(), queue=queue, connection=caller)
        client.enqueue(note.job(), queue=chr(ord("c") + ord("a") - ord(queue)), connection=other)
        client.enqueue_many([note.job().options(queue=queue)] * 3, connection=caller)
    caller.commit()
    other.commit()

    assert jobs_in(caller) == 15


def test_a_deadlock_of_the_callers_own_making_takes_its_job_along(
    client: Client, caller: Connection, other: Connection
) -> None:
    other.execute("create table public.pair (id int primary key)")
    other.execute("insert into public.pair values (1), (2)")
    other.commit()
    for connection, row in ((caller, 1), (other, 2)):
        connection.execute("select from public.pair where id = %s for update", [row])
        client.enqueue(note.job(), connection=connection)
    other.execute("set local deadlock_timeout = '10min'")
    caller.execute("set local deadlock_timeout = '10ms'")
    with other.pipeline():
        other.execute("select from public.pair where id = 1 for update")
        with pytest.raises(errors.DeadlockDetected):
            caller.execute("select from public.pair where id = 2 for update")
        caller.rollback()
    other.commit()

    assert jobs_in(caller) == 1


def test_what_the_sessions_encoding_lacks_is_refused_with_advice(client: Client, caller: Connection) -> None:
    caller.execute("set client_encoding = 'LATIN1'")
    with refused(UnicodeEncodeError, advising="UTF8"), caller.transaction():
        client.enqueue(echo.job(text="\N{SNOWMAN}"), connection=caller)

    assert jobs_in(caller) == 0


PREFERENCES = (
    "datestyle = 'SQL, DMY'",
    "datestyle = 'German'",
    "intervalstyle = 'sql_standard'",
    "intervalstyle = 'iso_8601'",
    "timezone = 'Asia/Kolkata'",
    "standard_conforming_strings = off",
    "search_path = 'nowhere'",
    "plan_cache_mode = 'force_custom_plan'",
    "bytea_output = 'escape'",
    "extra_float_digits = -15",
    "client_encoding = 'LATIN1'",
    "enable_indexscan = off",
    "default_transaction_deferrable = on",
    "default_transaction_isolation = 'serializable'",
    "jit_above_cost = 0",
    "lock_timeout = '1min'",
)
TEXT = "caf\N{LATIN SMALL LETTER E WITH ACUTE} 'quoted' back\\slash 100% $1 {}"
QUEUE = "o'q\\%\""


def test_whatever_a_session_prefers_jobs_live_there_from_end_to_end(client: Client, dsn: str) -> None:
    for preference in PREFERENCES:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"set {preference}")
            record, held_seconds = one_life(client, connection)

        assert (preference, record.state, record.payload) == (preference, "succeeded", {"text": TEXT})
        assert 0 < held_seconds <= 60, preference


def one_life(client: Client, connection: Connection) -> tuple[JobRecord, float]:
    """A job's record at its end, and for how long it was leased."""
    job = client.enqueue(echo.job(text=TEXT), queue=QUEUE, connection=connection)
    lease = client.claim(QUEUE, connection=connection)
    with connection.transaction():
        client.finish(lease.deliveries[0], result={"said": TEXT}, connection=connection)
    record = client.get(job, connection=connection)
    assert record is not None
    assert lease.expires_at is not None
    return record, (lease.expires_at - lease.claimed_at).total_seconds()


@pytest.mark.parametrize("preference", ["SQL, DMY", "Postgres"])
def test_partitions_have_the_same_bounds_whatever_the_session_s_clock_and_calendar(
    dsn: str, preference: str
) -> None:
    """In these styles India's time is written IST, which is read as Israel's."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"set datestyle = '{preference}'; set timezone = 'Asia/Kolkata'")
        connection.execute("set standard_conforming_strings = off; set escape_string_warning = off")
        connection.execute("select pgqueue.make_partitions(ahead => 6)")
        windows = connection.execute(WINDOWS).fetchall()

    assert len(windows) >= 6
    assert all(low == moment_of(name).timestamp() for name, low in windows)


def moment_of(name: str) -> datetime:
    return datetime.strptime(f"{name}+0000", "%Y%m%d_%H%M%S%z")


WINDOWS = """
    select
        right(class.relname, 15),
        extract(epoch from pgqueue.bound_of(class.oid, 'FROM'))::integer
    from pg_class as class
    where class.relnamespace = 'pgqueue'::regnamespace
        and class.relname ~ '^ready_[0-9]'
        and class.relkind = 'r'
"""
