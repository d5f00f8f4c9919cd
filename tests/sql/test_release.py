"""Tests that a claim lets go of exactly what was reported, whoever holds its lock meanwhile."""

import psycopg
import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, Session


def place_of(session: Session, job: int) -> dict[str, int]:
    """In how many places a job is."""
    return {
        "ready": session.value("select count(*) from pgqueue.waiting where id = %s", job),
        "held": session.value("select count(*) from pgqueue.held where job = %s", job),
    }


def test_a_report_under_a_lost_claim_leaves_the_job_in_its_new_one(session: Session, clock: Clock) -> None:
    job, beside = session.enqueue_many(2)
    (lost,) = session.claim(lease="1 s")
    clock.advance(seconds=2)
    session.reap()
    held = session.claim(max_jobs=2)
    claim = held[0].claim

    told = session.call("finish", claims=[lost.claim, claim], jobs=[lost.job, beside], states=["succeeded"])

    assert [(row.claim, row.job) for row in told] == [(lost.claim, job)]
    assert place_of(session, job) == {"ready": 0, "held": 1}
    assert session.finish([row for row in held if row.job == job]) == []
    assert [session.state(one) for one in (job, beside)] == ["succeeded", "succeeded"]


def test_a_job_handed_back_beside_an_open_completion_comes_back_once(
    session: Session, other: Session, clock: Clock
) -> None:
    job = session.enqueue()
    (held,) = session.claim(lease="1 s")

    with other.transaction():
        # Where a completion stands between its look at the claim and its receipt.
        other.run("select from pgqueue.claims where id = %s for key share", held.claim)
        assert session.finish([held], "returned") == []
        assert place_of(session, job) == {"ready": 1, "held": 0}

    clock.advance(seconds=2)
    session.reap()
    assert session.count("ready") == 1
    assert session.count("claims") == 0


def test_a_job_handed_back_cannot_be_completed_by_one_who_looked_before(
    session: Session, other: Session, open_session: OpenSession
) -> None:
    job = session.enqueue()
    (held,) = session.claim()
    watcher = open_session()

    with watcher.transaction():
        watcher.run("select from pgqueue.claims where id = %s for key share", held.claim)
        session.finish([held], "returned")
        with pytest.raises(psycopg.Error) as refusal:
            other.complete(held)

    assert refusal.value.sqlstate == "PQ001"
    assert place_of(session, job) == {"ready": 1, "held": 0}


def test_a_claim_left_empty_is_reaped_without_a_trace(session: Session, other: Session, clock: Clock) -> None:
    session.enqueue_many(2)
    held = session.claim(max_jobs=2, lease="1 s")
    with other.transaction():
        other.run("select from pgqueue.claims where id = %s for key share", held[0].claim)
        session.finish(held, "succeeded", "failed")
    assert session.value("select jobs from pgqueue.claims") == []

    clock.advance(seconds=2)

    assert session.reap() == 0
    assert session.count("claims") == 0
    assert session.count("ready") == 1


def test_a_claim_of_one_job_goes_with_its_completion(session: Session) -> None:
    session.enqueue()
    session.complete(session.claim()[0])

    assert session.count("claims") == 0
