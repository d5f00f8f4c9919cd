"""Tests of whole rounds: beside a running load, behind holders that stay, and over a year."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import psycopg
import pytest

from pgqueue import Client
from tests.sql.conftest import OpenSession
from tests.sql.load import PATIENCE_SECONDS, Load
from tests.sql.session import Clock, Session
from tests.sql.windows import leaves, only_windows_of_now

ROUNDS = 4
ALL_TABLES = """
    select format('lock table pgqueue.%I in access share mode', relname)
    from pg_catalog.pg_class
    where relnamespace = 'pgqueue'::regnamespace and relkind in ('r', 'p')
"""


@pytest.fixture(autouse=True)
def _windows(session: Session, clock: Clock) -> None:
    """The windows around the clock's moment, which is not the server's."""
    only_windows_of_now(session)


@pytest.fixture
def client(dsn: str) -> Iterator[Client]:
    with Client(dsn) as client:
        yield client


@pytest.fixture
def load(dsn: str) -> Load:
    """Two that enqueue, two that claim and finish."""
    return Load(dsn)


@contextmanager
def reading_all(session: Session) -> Iterator[None]:
    """As pg_dump does: one snapshot, and every table locked against nothing but its end."""
    session.run("begin isolation level repeatable read")
    for row in session.run(ALL_TABLES):
        session.run(row[0])
    yield
    session.run("rollback")


@contextmanager
def enqueueing(session: Session) -> Iterator[None]:
    """An application's transaction that has enqueued, and stays open."""
    with session.transaction():
        session.enqueue(queue="other")
        yield


def drop_all(client: Client, session: Session) -> None:
    """Rounds until no window is past; under load a single try may find a table in use."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while session.call("past_windows"):
        client.maintain()
        assert time.monotonic() < deadline, "windows nobody needs are not dropped"


@pytest.fixture(params=["reader", "producer", "both"])
def holders(request: pytest.FixtureRequest, open_session: OpenSession) -> list[AbstractContextManager[None]]:
    """Those who will hold locks of ours, and not let go."""
    holders: list[AbstractContextManager[None]] = []
    if request.param != "producer":
        holders.append(reading_all(open_session()))
    if request.param != "reader":
        holders.append(enqueueing(open_session()))
    return holders


def test_the_load_goes_on_beside_holders_that_stay_and_windows_drop_once_they_leave(
    session: Session, client: Client, clock: Clock, load: Load, holders: list[AbstractContextManager[None]]
) -> None:
    with load:
        load.goes_on()
        with ExitStack() as open_transactions:
            for holder in holders:
                open_transactions.enter_context(holder)
            for _ in range(ROUNDS):
                clock.advance(minutes=15)
                client.maintain()
                load.goes_on()
            kept = session.call("past_windows")
        drop_all(client, session)
        load.goes_on()

    assert load.errors == []
    assert kept != []
    while held := session.claim(max_jobs=100):
        session.finish(held)
        load.finished.update(row.job for row in held)
    assert load.finished == load.enqueued


def test_a_job_delayed_for_a_year_pins_nothing_and_runs_with_its_body(
    session: Session, client: Client, clock: Clock
) -> None:
    job = session.enqueue(payload='{"a": 1}', headers='{"b": 2}', delay="365 days")
    for _ in range(12):
        session.finish(session.claim()) if session.enqueue() else None
        clock.advance(days=30)
        client.maintain()

    windows = {row.name for row in leaves(session)}
    assert session.call("past_windows") == []
    assert len(windows) == 5 * 3 + 5 + 1  # three windows and a default partition of each, and ready_late
    assert session.claim() == []

    clock.advance(days=6)
    client.maintain()
    (held,) = session.claim()
    assert (held.job, held.payload, held.headers, held.attempt) == (job, '{"a": 1}', '{"b": 2}', 1)
    session.finish([held])
    assert session.state(job) == "succeeded"
    for _ in range(2):
        clock.advance(days=10)
        client.maintain()
    assert (session.count("jobs_kept"), session.count("ready")) == (0, 0)


def test_after_a_month_without_a_worker_windows_are_there_and_default_partitions_empty_themselves(
    session: Session, client: Client, clock: Clock
) -> None:
    clock.advance(days=30)
    jobs = session.enqueue_many(20)
    session.finish(session.claim(max_jobs=5))

    client.maintain()
    clock.advance(minutes=1)
    session.enqueue()

    names = {row.leaf for row in session.run("select tableoid::regclass::text as leaf from pgqueue.ready")}
    assert len(names) == 2  # of the month without, and of the window made since
    clock.advance(days=9)
    client.maintain()
    for parent in ("ready", "claims", "jobs", "outcomes", "progress"):
        assert session.value("select pg_relation_size(%s::regclass)", f"pgqueue.{parent}_default") == 0
    assert [row.job for row in session.claim(max_jobs=50)][:15] == jobs[5:]


def test_the_next_round_comes_twice_in_the_shortest_window(client: Client) -> None:
    assert client.maintain().next_round.total_seconds() == 60

    client.change_settings(ready_window=client.settings().ready_window / 60)

    assert client.maintain().next_round.total_seconds() == 5


def test_a_round_says_what_is_in_use(session: Session, client: Client, other: Session, clock: Clock) -> None:
    session.enqueue()
    session.finish(session.claim())
    clock.advance(hours=1)

    with reading_all(other):
        done = client.maintain()

    assert (done.made, done.locked) == (0, ("ready", "claims"))
    fates = {(window.parent, fate) for window, fate in done.fates}
    assert {("ready", "locked"), ("claims", "locked")} <= fates


def test_a_round_beside_another_does_nothing(session: Session, client: Client, clock: Clock) -> None:
    clock.advance(days=10)

    with session.transaction():
        session.call("make_partitions")
        done = client.maintain()

    assert (done.made, set(done.locked)) == (0, {"ready", "claims", "jobs", "outcomes", "progress"})
    assert (done.fates, done.emptied, done.deleted) == ((), 0, 0)


def test_a_round_waits_for_no_partition_that_somebody_else_has_closed(
    session: Session, client: Client, clock: Clock
) -> None:
    clock.advance(days=10)
    (window, *_) = leaves(session, "ready")

    with session.transaction():
        session.run(f"lock table only pgqueue.{window.name} in access exclusive mode")
        client.maintain()

    assert client.maintain().locked == ()
    assert session.call("past_windows") == []


def test_what_the_application_does_not_see_is_not_lost(
    session: Session, other: Session, client: Client, clock: Clock
) -> None:
    """An enqueue that commits after its window has passed."""
    with other.transaction():
        job = other.enqueue(payload='{"a": 1}')
        clock.advance(days=10)
        client.maintain()

    client.maintain()
    assert [(row.job, row.payload) for row in session.claim()] == [(job, '{"a": 1}')]
    assert session.call("past_windows") == []


def test_no_enqueue_fails_while_windows_come_and_go(dsn: str, client: Client, clock: Clock) -> None:
    with Load(dsn, producers=3, consumers=1) as load:
        for _ in range(10):
            clock.advance(hours=30)
            client.maintain()
            load.goes_on(2)

    assert load.errors == []


def test_the_errors_of_a_load_are_told(dsn: str, session: Session) -> None:
    """Else the tests above would prove nothing."""
    with Load(dsn, producers=1, consumers=0, lock_timeout="100ms") as load, session.transaction():
        session.run("lock table pgqueue.jobs in access exclusive mode")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not load.errors and time.monotonic() < deadline:
            time.sleep(0.05)

    assert [type(error) for error in load.errors] == [psycopg.errors.LockNotAvailable]
