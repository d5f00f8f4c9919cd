"""Tests that a job asked to stop is not run, and that what ended stays as it ended."""

import psycopg
import pytest

from tests.sql.session import Clock, Session


def test_a_waiting_job_is_cancelled_at_once(session: Session) -> None:
    job = session.enqueue()

    assert session.call("cancel", job=job, reason="no need")[0][0] == "waiting"

    assert session.state(job) == "cancelled"
    assert session.claim() == []
    assert session.history(job) == [(1, "cancelled")]


def test_a_scheduled_job_is_cancelled_before_its_time(session: Session, clock: Clock) -> None:
    job = session.enqueue(delay="1 day")

    assert session.call("cancel", job=job)[0][0] == "scheduled"
    assert session.state(job) == "cancelled"

    clock.advance(days=1)
    assert session.claim() == []


def test_a_running_job_is_cancelled_by_its_worker(session: Session, other: Session) -> None:
    job = session.enqueue()
    held = session.claim()
    other.call("listen")

    assert session.call("cancel", job=job)[0][0] == "running"

    assert session.state(job) == "running"
    assert [note.payload for note in other.connection.notifies(timeout=5, stop_after=1)] == [f"cancel {job}"]
    session.finish(held, "cancelled")
    assert session.state(job) == "cancelled"


def test_a_running_job_that_succeeds_all_the_same_has_succeeded(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()
    session.call("cancel", job=job)

    session.finish(held, "succeeded")

    assert session.state(job) == "succeeded"


def test_a_running_job_that_fails_is_not_tried_again(session: Session) -> None:
    job = session.enqueue(max_attempts=1)
    held = session.claim()
    session.call("cancel", job=job)

    session.finish(held, "failed")

    assert (session.state(job), session.count("ready"), session.count("dead_letters")) == ("cancelled", 0, 0)


def test_a_job_handed_back_after_its_cancel_is_not_run(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()
    session.call("cancel", job=job)

    session.finish(held, "returned")

    assert session.claim() == []
    assert session.state(job) == "cancelled"


def test_what_ended_stays_as_it_ended(session: Session) -> None:
    done, dead = session.enqueue(), session.enqueue()
    session.finish(session.claim())
    session.finish(session.claim(), "dead")

    assert session.call("cancel", job=done)[0][0] == "succeeded"
    assert session.call("cancel", job=dead)[0][0] == "dead"
    assert session.count("cancellations") == 0


def test_cancelling_twice_keeps_the_first_reason(session: Session) -> None:
    job = session.enqueue()
    session.call("cancel", job=job, reason="first")

    assert session.call("cancel", job=job, reason="second")[0][0] == "cancelled"

    assert [row.reason for row in session.run("select reason from pgqueue.cancellations")] == ["first"]


@pytest.mark.parametrize("job", [1, -1, None, 9223372036854775807])
def test_an_unknown_job_cannot_be_cancelled(session: Session, job: int | None) -> None:
    with pytest.raises(psycopg.Error, match="there is no job") as refusal:
        session.call("cancel", job=job)

    assert refusal.value.sqlstate == "PQ005"
    assert session.count("cancellations") == 0


def test_a_claim_that_misses_an_open_cancel_is_told_when_it_extends(session: Session, other: Session) -> None:
    job = session.enqueue()

    with session.transaction():
        session.call("cancel", job=job)
        held = other.claim()

    assert [row.job for row in held] == [job]
    assert other.extend(held[0].claim)[0].cancelled == [job]


def test_a_cancel_beside_an_open_claim_is_told_too(session: Session, other: Session) -> None:
    job = session.enqueue()

    with session.transaction():
        held = session.claim()
        assert other.call("cancel", job=job)[0][0] == "waiting"

    assert session.extend(held[0].claim)[0].cancelled == [job]
    assert session.state(job) == "running"


def test_two_who_cancel_the_same_job_agree(session: Session, other: Session) -> None:
    job = session.enqueue()
    session.call("cancel", job=job)

    assert other.call("cancel", job=job)[0][0] == "cancelled"


def test_a_cancel_rolled_back_never_was(session: Session) -> None:
    job = session.enqueue()

    with session.transaction():
        session.call("cancel", job=job)
        raise psycopg.Rollback

    assert [row.job for row in session.claim()] == [job]
