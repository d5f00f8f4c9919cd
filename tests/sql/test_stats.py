"""Tests that what is told of an installation is so, and costs no more where there is much of it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.sql.conftest import OpenSession
from tests.sql.horizon import cost, pinned
from tests.sql.session import Clock, Row, Session

MANY = 10_000
ROOM = 1.5
SLACK_BUFFERS = 40
FILL_DEAD = """
    insert into pgqueue.dead_letters
        (job_id, died_at, attempt, max_attempts, priority, keep_result, queue, task, payload, history)
    select
        number, pgqueue.now(), 1, 1, 5, false, 'mail', 'send',
        jsonb_build_object('filler', repeat('x', 1500)), '[]'
    from generate_series(1, %s) as number
"""


def stats(session: Session, queue: str = "mail", **options: Any) -> Row:
    """What is told of a queue."""
    (found,) = [row for row in session.call("queue_stats", **options) if row.queue == queue]
    return found


def depths(row: Row) -> tuple[int, int, int, int]:
    """Waiting, scheduled, running, dead."""
    return sum(row.waiting), row.scheduled, row.running, row.dead


def test_a_queue_is_told_by_state(session: Session) -> None:
    session.enqueue_many(9)
    session.enqueue_many(2, delays=[dt.timedelta(hours=1)])
    session.enqueue_many(1, queues=["other"])
    held = session.claim(max_jobs=5)
    session.finish(held[:2], "dead")

    assert depths(stats(session)) == (4, 2, 3, 2)
    assert depths(stats(session, "other")) == (1, 0, 0, 0)
    assert stats(session).estimated == []


def test_what_waits_is_told_by_priority(session: Session) -> None:
    session.enqueue_many(3, priorities=[0])
    session.enqueue_many(2, priorities=[9])

    assert stats(session).waiting == [3, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]


def test_the_oldest_is_the_one_that_could_have_run_first(session: Session, clock: Clock) -> None:
    session.enqueue(priority=9)
    since = clock.now()
    clock.advance(minutes=3)
    session.enqueue(priority=0)
    session.enqueue(delay=dt.timedelta(hours=1))

    row = stats(session)

    assert (row.moment - row.oldest, row.oldest) == (dt.timedelta(minutes=3), since)


def test_an_empty_queue_has_no_oldest(session: Session) -> None:
    session.enqueue(delay=dt.timedelta(hours=1))

    assert stats(session).oldest is None


def test_a_paused_queue_says_since_when(session: Session, clock: Clock) -> None:
    session.call("pause", queue="mail")

    assert stats(session).paused_at == clock.now()


def test_what_lies_in_bundles_is_told_exactly_as_far_as_its_rows_go(session: Session) -> None:
    session.enqueue_many(MANY)

    row = stats(session, bound=1000)

    assert (depths(row), row.estimated) == ((MANY, 0, 0, 0), [])


@pytest.mark.parametrize(("enqueue", "bound"), [(Session.enqueue_each, 1000), (Session.enqueue_many, 100)])
def test_beyond_the_bound_it_is_estimated_and_says_so(
    session: Session, enqueue: Callable[..., list[int]], bound: int
) -> None:
    enqueue(session, MANY)
    session.enqueue_many(3, queues=["small"])

    row, small = stats(session, bound=bound), stats(session, "small", bound=bound)

    assert row.estimated == ["waiting"]
    assert 0.7 * MANY < sum(row.waiting) < 1.4 * MANY
    assert (depths(small), small.estimated) == ((3, 0, 0, 0), [])


@pytest.mark.parametrize("priority", [0, 5])
def test_what_is_scheduled_beyond_the_bound_does_not_hide_what_waits(session: Session, priority: int) -> None:
    session.enqueue_each(MANY, delays=[dt.timedelta(minutes=5)], priorities=[priority])
    session.enqueue_many(7)

    row = stats(session, bound=1000)

    assert (sum(row.waiting), row.estimated) == (7, ["scheduled"])
    assert 0.7 * MANY < row.scheduled < 1.4 * MANY


def test_what_waits_beyond_the_bound_does_not_hide_what_is_scheduled(session: Session) -> None:
    session.enqueue_each(MANY)
    session.enqueue_many(7, delays=[dt.timedelta(minutes=5)])

    row = stats(session, bound=1000)

    assert (row.scheduled, row.estimated) == (7, ["waiting"])


def test_many_held_jobs_are_shared_out_by_a_sample(session: Session) -> None:
    session.enqueue_each(3000)
    session.enqueue_each(1000, queues=["other"])
    for _ in range(2):
        session.claim(max_jobs=1500)
    session.claim("other", max_jobs=1000)

    assert (stats(session).running, stats(session, "other").running) == (3000, 1000)
    assert stats(session).estimated == ["running"]


def test_many_dead_letters_are_estimated_from_a_part(session: Session) -> None:
    session.enqueue()
    session.run(FILL_DEAD, 2 * MANY)

    row = stats(session)

    assert row.estimated == ["dead"]
    assert 1.4 * MANY < row.dead < 2.8 * MANY


def test_it_costs_no_more_beyond_its_bounds(session: Session) -> None:
    statement = "select * from pgqueue.queue_stats(bound => 1000)"
    session.enqueue_each(MANY)
    session.run(FILL_DEAD, MANY)
    much = cost(session, statement)
    session.enqueue_each(2 * MANY)
    session.run("delete from pgqueue.dead_letters")
    session.run(FILL_DEAD, 3 * MANY)

    assert cost(session, statement) <= ROOM * much + SLACK_BUFFERS
    assert much < 2000 + 200 + 1000  # pages of dead letters, of ready, and the rest


def test_with_floors_it_does_not_walk_what_was_claimed_before(dsn: str, session: Session) -> None:
    with pinned(dsn):
        session.enqueue_each(MANY)
        session.run("delete from pgqueue.ready")
        session.enqueue()
        told = stats(session)
        floors = [floor or told.moment for floor in told.next_floors]

        everything = cost(session, "select * from pgqueue.queue_stats()")
        with_floors = cost(session, "select * from pgqueue.queue_stats('{mail}', %s::timestamptz[])", floors)

    assert depths(told) == (1, 0, 0, 0)
    assert with_floors < 400
    assert everything > 1.5 * with_floors  # else nothing was in the way


@pytest.mark.parametrize("name", ["queue_stats", "worker_stats", "relation_stats", "horizon_holders"])
def test_looking_writes_nothing_and_takes_no_number(session: Session, name: str) -> None:
    session.enqueue()

    with session.transaction():
        session.run("set transaction read only")
        session.call(name)
        assert session.value("select pg_current_xact_id_if_assigned()") is None


def test_a_worker_is_told_with_what_it_holds(session: Session, other: Session) -> None:
    values = {"queues": ["mail"], "host": "here", "process_id": 1, "version": "0", "concurrency": 8}
    session.call("join_workers", worker=7, **values)
    session.call("join_workers", worker=-8, **values)
    session.enqueue_many(5)
    session.claim(max_jobs=2, worker=7)
    session.claim(max_jobs=1, worker=7)

    rows = {row.worker: row for row in other.call("worker_stats")}

    assert (rows[7].is_alive, rows[7].claims, rows[7].jobs, rows[7].concurrency) == (True, 2, 3, 8)
    assert (rows[-8].is_alive, rows[-8].jobs) == (True, 0)


def test_a_worker_whose_session_is_gone_is_told_so(open_session: OpenSession, other: Session) -> None:
    session = open_session()
    session.call("join_workers", worker=7, queues=["mail"], host="here", process_id=1, version="0")
    session.close()
    while other.value("select count(*) from pg_catalog.pg_locks where locktype = 'advisory'"):
        pass

    assert [row.is_alive for row in other.call("worker_stats")] == [False]


def test_asking_takes_no_workers_lock(session: Session, other: Session) -> None:
    session.call("join_workers", worker=7, queues=["mail"], host="here", process_id=1, version="0")
    session.close()

    with other.transaction():
        other.call("worker_stats")
        held = other.value(
            "select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
        )

    assert held == 0


def test_every_table_is_told_with_its_windows(session: Session) -> None:
    rows = session.call("relation_stats")

    windows = session.run("select name, low, high from pgqueue.windows()")
    assert {(row.partition, row.low, row.high) for row in rows if row.low} == {
        tuple(window) for window in windows
    }
    assert {"jobs", "ready", "claims", "outcomes", "progress", "dead_letters"} <= {
        row.relation for row in rows
    }
    assert all(row.size_bytes >= 0 for row in rows)


def test_the_sizes_of_tables_wait_for_nobody(session: Session, other: Session) -> None:
    with other.transaction():
        other.run("lock table pgqueue.ready in access exclusive mode")

        assert session.call("relation_stats") == []


def in_transaction(session: Session) -> None:
    session.run("select pg_current_xact_id()")


def reading(session: Session) -> None:
    session.run("set transaction isolation level repeatable read")
    session.run("select count(*) from pgqueue.queues")


@pytest.mark.parametrize("act", [in_transaction, reading])
def test_who_holds_the_horizon_is_told_with_what_it_ran(
    session: Session, other: Session, act: Callable[[Session], None]
) -> None:
    with other.transaction():
        act(other)
        first = session.call("horizon_holders")[0]

    assert (first.kind, first.pid) == ("transaction", other.connection.info.backend_pid)
    assert first.age >= dt.timedelta(0)
    assert first.query


def test_nobody_who_asks_holds_the_horizon(session: Session) -> None:
    mine = session.connection.info.backend_pid
    with session.transaction():
        session.run("select pg_current_xact_id()")

        assert mine not in {row.pid for row in session.call("horizon_holders")}


def test_a_slot_holds_the_horizon_by_its_name(session: Session) -> None:
    try:
        session.run("select pg_create_physical_replication_slot('forgotten', true)")
    except psycopg.Error as error:
        pytest.skip(f"no replication slot to be had here: {error}")
    session.run("select pg_drop_replication_slot('forgotten')")

    assert "forgotten" not in {row.name for row in session.call("horizon_holders")}
