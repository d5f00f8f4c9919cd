"""Tests of the watch and the bell: an enqueue rings where somebody sleeps, and only there."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pgqueue.migrate import upgrade
from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, Session

SILENCE_SECONDS = 0.0  # a notification is delivered with the next answer, so none has to be waited for


def heard(session: Session) -> list[str]:
    """The notifications that came in so far."""
    session.run("select 1")
    return [note.payload for note in session.connection.notifies(timeout=SILENCE_SECONDS)]


def arm(session: Session, *queues: str) -> list[str]:
    """The queues whose bell the session holds now."""
    return [row[0] for row in session.call("arm", queues=list(queues))]


def watch(session: Session, *queues: str) -> list[str]:
    """The queues whose watch the session keeps now."""
    return [row[0] for row in session.call("take_watch", queues=list(queues))]


@pytest.fixture
def sleeper(open_session: OpenSession) -> Session:
    """A session that listens, as an idle worker does."""
    session = open_session()
    session.run("listen pgqueue")
    return session


def test_an_enqueue_rings_while_the_bell_is_held(session: Session, sleeper: Session) -> None:
    assert arm(sleeper, "mail") == ["mail"]

    session.enqueue()

    assert heard(sleeper) == ["wake mail"]


def test_an_enqueue_is_silent_while_nobody_sleeps(session: Session, sleeper: Session) -> None:
    session.enqueue()
    session.enqueue_many(10)

    assert heard(sleeper) == []


def test_a_disarmed_bell_is_silent(session: Session, sleeper: Session) -> None:
    arm(sleeper, "mail", "reports")
    sleeper.call("disarm", queues=["mail", "reports"])

    session.enqueue()
    session.enqueue(queue="reports")

    assert heard(sleeper) == []


def test_only_the_queues_own_bell_rings(session: Session, sleeper: Session) -> None:
    arm(sleeper, "mail")

    session.enqueue(queue="reports")

    assert heard(sleeper) == []


def test_a_bulk_rings_once_for_each_queue(session: Session, sleeper: Session) -> None:
    arm(sleeper, "a", "b")

    session.enqueue_many(6, queues=["a", "b", "c"] * 2)

    assert sorted(heard(sleeper)) == ["wake a", "wake b"]


def test_an_enqueue_may_be_told_not_to_ring(session: Session, sleeper: Session) -> None:
    arm(sleeper, "mail")

    session.enqueue(ring=False)
    session.enqueue_many(2, ring=False)

    assert heard(sleeper) == []


def test_a_rolled_back_enqueue_does_not_ring(session: Session, sleeper: Session) -> None:
    arm(sleeper, "mail")

    with session.transaction():
        session.enqueue()
        raise psycopg.Rollback

    assert heard(sleeper) == []


def test_nobody_lies_down_while_an_enqueue_is_in_flight(session: Session, sleeper: Session) -> None:
    with session.transaction():
        session.enqueue()
        assert arm(sleeper, "mail") == []
        assert arm(sleeper, "mail", "reports") == ["reports"]

    assert arm(sleeper, "mail") == ["mail"]


def test_two_enqueuers_do_not_wait_for_each_other(session: Session, other: Session, sleeper: Session) -> None:
    arm(sleeper, "mail")

    with session.transaction(), other.transaction():
        session.enqueue()
        other.enqueue()

    assert len(session.claim(max_jobs=5)) == 2


def test_the_bell_goes_with_its_session(session: Session, sleeper: Session, other: Session) -> None:
    arm(sleeper, "mail")
    sleeper.close()
    other.run("listen pgqueue")
    while session.value("select count(*) from pg_catalog.pg_locks where locktype = 'advisory'"):
        pass  # the server is still clearing up behind the session

    session.enqueue()

    assert heard(other) == []


def test_a_prepared_transaction_can_hold_a_silent_enqueue(session: Session, sleeper: Session) -> None:
    if int(session.value("show max_prepared_transactions")) == 0:
        pytest.skip("this server prepares no transactions")
    arm(sleeper, "mail")

    session.run("begin")
    session.enqueue(ring=False)
    session.run("prepare transaction 'enqueued'")
    session.run("commit prepared 'enqueued'")

    assert len(session.claim()) == 1


def test_one_at_a_time_keeps_the_watch(session: Session, other: Session) -> None:
    assert watch(session, "a", "b") == ["a", "b"]
    assert watch(other, "b", "c") == ["c"]

    session.call("leave_watch", queues=["a", "b"])

    assert watch(other, "a", "b") == ["a", "b"]


def test_leaving_the_watch_tells_the_other_sleepers(session: Session, sleeper: Session) -> None:
    watch(session, "a", "b")

    session.call("leave_watch", queues=["a", "b"])

    assert sorted(heard(sleeper)) == ["watch a", "watch b"]


def test_nothing_due_is_null(session: Session) -> None:
    session.enqueue()

    assert session.call("next_due", queues=["mail"])[0][0] is None
    assert session.call("next_due", queues=[])[0][0] is None
    assert session.call("next_due", queues=None)[0][0] is None


def test_the_next_scheduled_job_of_the_queues_is_told(session: Session, clock: Clock) -> None:
    session.enqueue(delay="1 hour", priority=0)
    session.enqueue(delay="10 s", priority=9)
    session.enqueue(queue="other", delay="1 s")

    assert session.call("next_due", queues=["mail"])[0][0] == dt.timedelta(seconds=10)
    assert session.call("next_due", queues=["mail", "other"])[0][0] == dt.timedelta(seconds=1)
    clock.advance(seconds=5)
    assert session.call("next_due", queues=["mail"])[0][0] == dt.timedelta(seconds=5)


@pytest.fixture
def neighbour(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a second installation in the same database."""
    upgrade(dsn, "neighbour")
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def test_two_installations_do_not_ring_each_other(
    session: Session, sleeper: Session, neighbour: psycopg.Connection[Any]
) -> None:
    sleeper.run("listen neighbour")
    arm(sleeper, "mail")

    neighbour.execute("select neighbour.enqueue('mail', 'send')")
    assert heard(sleeper) == []

    session.enqueue()
    assert heard(sleeper) == ["wake mail"]


def test_two_installations_keep_a_watch_each(session: Session, neighbour: psycopg.Connection[Any]) -> None:
    watch(session, "mail")
    arm(session, "mail")

    found = neighbour.execute(
        "select neighbour.take_watch(array['mail']), neighbour.arm(array['mail'])"
    ).fetchall()

    assert found == [("mail", "mail")]
