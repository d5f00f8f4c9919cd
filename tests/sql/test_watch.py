"""Tests of the watch and the bell: an enqueue rings where somebody sleeps, and only there."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pgqueue.calls.watch import WATCH
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
    """The queues whose watch the session has taken now."""
    return [queue for queue, post in places(session, *queues).items() if post == WATCH]


def places(session: Session, *queues: str, posts: list[int | None] | None = None) -> dict[str, int]:
    """What the session has newly taken of these queues: the watch or a post."""
    return {row[0]: row[1] for row in session.call("take_watch", queues=list(queues), posts=posts)}


@pytest.fixture
def sleeper(open_session: OpenSession) -> Session:
    """A session that keeps watch over some queues, as an idle worker does, and so hears their bells."""
    session = open_session()
    assert watch(session, "mail", "reports", "a", "b", "c") == ["mail", "reports", "a", "b", "c"]
    return session


@pytest.fixture
def successor(open_session: OpenSession, sleeper: Session) -> Session:
    """A session in the first post of its queues, next in line for the watch."""
    session = open_session()
    assert places(session, "a", "b") == {"a": 1, "b": 1}
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
    while session.value("select count(*) from pg_catalog.pg_locks where locktype = 'advisory'"):
        pass  # the server is still clearing up behind the session

    assert watch(other, "mail") == ["mail"]
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


def test_leaving_the_watch_tells_its_successors(sleeper: Session, successor: Session) -> None:
    sleeper.call("leave_watch", queues=["a", "b"])

    assert sorted(heard(successor)) == ["watch a", "watch b"]


def test_a_successor_does_not_hear_the_bell(session: Session, sleeper: Session, successor: Session) -> None:
    arm(sleeper, "a")

    session.enqueue(queue="a")

    assert (heard(successor), heard(sleeper)) == ([], ["wake a"])


def test_who_has_left_the_watch_hears_no_bell(session: Session, sleeper: Session, other: Session) -> None:
    sleeper.call("leave_watch", queues=["a"])
    heard(sleeper)
    watch(other, "a")
    arm(other, "a")

    session.enqueue(queue="a")

    assert (heard(sleeper), heard(other)) == ([], ["wake a"])


def test_there_are_eight_posts_and_no_more(open_session: OpenSession, sleeper: Session) -> None:
    taken = [places(open_session(), "a") for _ in range(9)]

    assert taken == [{"a": post} for post in range(1, 9)] + [{}]


def test_who_has_a_post_takes_no_second_one(sleeper: Session, successor: Session) -> None:
    assert places(successor, "a", "b", "c", posts=[1, 1, None]) == {"c": 1}


def test_whoever_takes_the_watch_leaves_its_post_to_another(
    sleeper: Session, successor: Session, other: Session
) -> None:
    sleeper.call("leave_watch", queues=["a"])
    heard(successor)

    assert places(successor, "a", posts=[1]) == {"a": WATCH}
    assert places(other, "a") == {"a": 1}
    successor.call("leave_watch", queues=["a"])
    assert (heard(successor), heard(other)) == ([], ["watch a"])


def test_a_post_that_is_left_is_free_and_hears_nothing(
    sleeper: Session, successor: Session, other: Session
) -> None:
    successor.call("leave_posts", queues=["a", "b"], posts=[1, 1])

    sleeper.call("leave_watch", queues=["a", "b"])

    assert heard(successor) == []
    assert watch(sleeper, "a") == ["a"]
    assert places(other, "a") == {"a": 1}


def test_what_is_listened_to_at_work_is_heard_no_more_when_the_work_is_done(
    session: Session, other: Session
) -> None:
    other.call("listen")
    session.call("resume", queue="mail")
    at_work = heard(other)

    other.call("unlisten")
    session.call("resume", queue="mail")

    assert (at_work, heard(other)) == (["resume mail"], [])


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
    arm(sleeper, "mail")

    neighbour.execute("select neighbour.enqueue('mail', 'send')")
    assert heard(sleeper) == []

    session.enqueue()
    assert heard(sleeper) == ["wake mail"]


def test_two_installations_keep_a_watch_each(session: Session, neighbour: psycopg.Connection[Any]) -> None:
    watch(session, "mail")
    arm(session, "mail")

    found = neighbour.execute(
        "select (neighbour.take_watch(array['mail'])).post, neighbour.arm(array['mail'])"
    ).fetchall()

    assert found == [(WATCH, "mail")]
