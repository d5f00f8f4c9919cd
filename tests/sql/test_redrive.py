"""Tests that a dead job comes back whole, once, with fresh attempts."""

from typing import Any

import psycopg
import pytest

from tests.sql.session import Clock, Session


def bury(session: Session, **options: Any) -> int:
    """A job that died at its first attempt."""
    job = session.enqueue(**options)
    session.finish(session.claim(options.get("queue", "mail")), "dead")
    return job


def test_a_redriven_job_has_as_many_attempts_as_it_first_had(session: Session) -> None:
    job = session.enqueue(max_attempts=2)
    session.finish(session.claim(), "failed")
    session.finish(session.claim(), "failed")

    assert [row[0] for row in session.call("redrive", jobs=[job])] == [job]

    assert session.state(job) == "waiting"
    held = session.claim()
    assert (held[0].attempt, held[0].last_attempt) == (3, 4)
    session.finish(held, "failed")
    session.finish(session.claim(), "failed")
    assert session.history(job) == [(1, "failed"), (2, "dead"), (3, "failed"), (4, "dead")]
    assert len(session.call("list_dead")[0].history) == 4


def test_a_redriven_job_comes_back_whole(session: Session) -> None:
    options = {
        "payload": '{"a": 1}',
        "headers": '{"b": 2}',
        "priority": 3,
        "timeout": "5 s",
        "keep_result": True,
    }
    bury(session, queue="special", **options)
    job = session.call("list_dead")[0].job_id

    session.call("redrive", jobs=[job])

    held = session.claim("special")[0]
    assert (held.job, held.payload, held.headers, held.priority) == (job, '{"a": 1}', '{"b": 2}', 3)
    assert (held.timeout.total_seconds(), held.keep_result, held.task) == (5, True, "send")


def test_a_body_whose_partition_is_gone_comes_back_from_the_letter(session: Session) -> None:
    job = bury(session, payload='{"a": 1}')
    session.run("truncate pgqueue.jobs, pgqueue.outcomes")

    session.call("redrive", jobs=[job])

    assert [(row.job, row.payload) for row in session.claim()] == [(job, '{"a": 1}')]


def test_a_job_is_redriven_once(session: Session) -> None:
    job = bury(session)

    first = session.call("redrive", jobs=[job, job])
    second = session.call("redrive", jobs=[job])

    assert ([row[0] for row in first], second) == ([job], [])
    assert session.count("waiting") == 1


def test_two_who_redrive_the_same_job_put_it_back_once(session: Session, other: Session) -> None:
    jobs = [bury(session) for _ in range(3)]

    with session.transaction():
        assert len(session.call("redrive", jobs=jobs[:2])) == 2
        assert [row[0] for row in other.call("redrive", jobs=jobs)] == [jobs[2]]

    assert session.count("waiting") == 3
    assert session.count("dead_letters") == 0


def test_a_redrive_rolled_back_leaves_the_letter(session: Session) -> None:
    job = bury(session)

    with session.transaction():
        session.call("redrive", jobs=[job])
        raise psycopg.Rollback

    assert (session.state(job), session.count("waiting")) == ("dead", 0)


def test_a_job_may_die_and_come_back_many_times(session: Session, clock: Clock) -> None:
    job = bury(session, max_attempts=1)
    for _ in range(3):
        clock.advance(seconds=1)
        session.call("redrive", jobs=[job])
        session.finish(session.claim(), "failed")

    assert session.state(job) == "dead"
    assert session.history(job) == [(1, "dead"), (2, "dead"), (3, "dead"), (4, "dead")]
    assert session.count("redrives") == 3


def test_a_cancel_from_before_does_not_stop_a_redriven_job(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()
    session.call("cancel", job=job)
    session.finish(held, "dead")

    session.call("redrive", jobs=[job])

    assert [row.job for row in session.claim()] == [job]


def test_a_redriven_job_can_be_cancelled(session: Session) -> None:
    job = bury(session)
    session.call("redrive", jobs=[job])

    assert session.call("cancel", job=job)[0][0] == "waiting"

    assert session.claim() == []
    assert session.state(job) == "cancelled"


def test_a_redrive_rings_for_sleepers(session: Session, other: Session) -> None:
    job = bury(session)
    other.call("take_watch", queues=["mail"])
    other.call("arm", queues=["mail"])

    session.call("redrive", jobs=[job])

    assert [note.payload for note in other.connection.notifies(timeout=5, stop_after=1)] == ["wake mail"]


@pytest.mark.parametrize("jobs", [[], None, [None], [1, -1]])
def test_what_is_not_dead_stays_as_it_is(session: Session, jobs: list[int] | None) -> None:
    waiting = session.enqueue()

    assert session.call("redrive", jobs=jobs) == []
    assert session.call("redrive", jobs=[waiting]) == []
    assert session.count("waiting") == 1
