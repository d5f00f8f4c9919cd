"""Tests that queues list themselves without making anybody wait, pause and resume."""

import psycopg
import pytest

from tests.sql.session import Session


def test_the_first_job_lists_its_queue(session: Session) -> None:
    session.enqueue(queue="new")
    session.enqueue(queue="new")

    assert [row.name for row in session.run("select name from pgqueue.queues")] == ["new"]


def test_two_who_list_the_same_queue_do_not_wait(session: Session, other: Session) -> None:
    with session.transaction():
        session.enqueue(queue="new")
        second = other.enqueue(queue="new")

    assert other.state(second) == "waiting"
    assert session.count("queues") == 1


def test_an_enqueue_does_not_wait_for_who_is_pausing_its_new_queue(session: Session, other: Session) -> None:
    with session.transaction():
        session.call("pause", queue="new")
        job = other.enqueue(queue="new")

    assert other.state(job) == "waiting"
    assert session.claim("new") == []


def test_a_queue_that_was_never_committed_is_listed_by_the_next(session: Session, other: Session) -> None:
    with session.transaction():
        session.enqueue(queue="new")
        other.enqueue(queue="new")
        raise psycopg.Rollback
    assert session.count("queues") == 0

    session.enqueue(queue="new")

    assert session.count("queues") == 1


def test_many_queues_listed_at_once_from_two_sides_do_not_wait(session: Session, other: Session) -> None:
    names = [f"queue {number}" for number in range(50)]
    with session.transaction():
        session.enqueue_many(50, queues=names)
        other.enqueue_many(50, queues=names[::-1])

    assert session.count("queues") == 50
    assert len(session.claim(*names, max_jobs=200)) == 100


def test_a_paused_queue_takes_jobs_and_gives_none(session: Session) -> None:
    session.call("pause", queue="mail")
    session.enqueue()

    assert session.claim() == []

    session.call("resume", queue="mail")
    assert len(session.claim()) == 1


def test_a_paused_queue_is_passed_over(session: Session) -> None:
    session.enqueue(queue="first")
    second = session.enqueue(queue="second")
    session.call("pause", queue="first")

    assert [row.job for row in session.claim("first", "second", max_jobs=5)] == [second]


def test_what_runs_goes_on_while_the_queue_is_paused(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()
    session.call("pause", queue="mail")

    assert session.extend(held[0].claim)
    assert session.finish(held) == []
    assert session.state(job) == "succeeded"


def test_pausing_twice_keeps_the_first_moment(session: Session) -> None:
    session.call("pause", queue="mail")
    before = session.value("select paused_at from pgqueue.queues")

    session.call("pause", queue="mail")

    assert session.value("select paused_at from pgqueue.queues") == before


def test_resuming_what_is_not_paused_does_no_harm(session: Session) -> None:
    session.call("resume", queue="never seen")

    assert session.count("queues") == 0


def test_resuming_tells_the_watch_and_those_at_work(session: Session, other: Session) -> None:
    other.call("listen")
    other.call("take_watch", queues=["mail"])
    session.call("pause", queue="mail")

    session.call("resume", queue="mail")

    assert [note.payload for note in other.connection.notifies(timeout=5, stop_after=2)] == [
        "resume mail"
    ] * 2


@pytest.mark.parametrize("queue", ["", None, "q" * 64])
def test_what_is_no_name_cannot_be_paused(session: Session, queue: str | None) -> None:
    with pytest.raises(psycopg.IntegrityError):
        session.call("pause", queue=queue)

    assert session.count("queues") == 0
