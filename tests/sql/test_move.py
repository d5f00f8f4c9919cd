"""Tests that a waiting job can be hurried and moved to another priority, once, whoever claims meanwhile."""

from typing import Any

import psycopg
import pytest

from tests.sql.session import Clock, Session


def run_now(session: Session, *jobs: int) -> list[int]:
    return [row[0] for row in session.call("run_now", jobs=list(jobs))]


def reprioritise(session: Session, priority: int, *jobs: int) -> list[int]:
    return [row[0] for row in session.call("reprioritise", jobs=list(jobs), priority=priority)]


def claimed(session: Session, **options: Any) -> list[int]:
    return [row.job for row in session.claim(max_jobs=100, **options)]


@pytest.mark.parametrize("delay", ["1 minute", "30 days"])
def test_a_scheduled_job_is_due_at_once(session: Session, clock: Clock, delay: str) -> None:
    job = session.enqueue(delay=delay)
    clock.advance(seconds=1)

    moved = run_now(session, job)

    found = session.get(job)
    assert (moved, found.state, found.run_at) == ([job], "waiting", clock.now())
    assert session.count("ready") == 1
    assert claimed(session) == [job]


def test_a_job_that_waits_for_its_retry_is_due_at_once(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.finish(session.claim(), "failed", delays=["1 hour"])
    before = session.state(job)

    assert run_now(session, job) == [job]

    assert (before, session.state(job)) == ("scheduled", "waiting")
    held = session.claim()
    assert [(row.job, row.attempt) for row in held] == [(job, 2)]
    clock.advance(seconds=1)
    session.finish(held, "failed", delays=["1 hour"])
    assert session.state(job) == "scheduled"


def test_a_job_put_off_by_its_handler_is_found(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.finish(session.claim(), "returned", delays=["1 hour"])

    assert run_now(session, job) == [job]
    assert [(row.job, row.attempt) for row in session.claim()] == [(job, 1)]


def test_a_retry_of_real_time_is_found(session: Session) -> None:
    job = session.enqueue()
    session.finish(session.claim(), "failed", delays=["1 hour"])

    assert run_now(session, job) == [job]
    assert claimed(session) == [job]


def test_what_is_not_put_off_is_left_alone(session: Session, clock: Clock) -> None:
    waiting, running, done, dead = (session.enqueue(priority=priority) for priority in (9, 0, 1, 2))
    cancelled = session.enqueue(delay="1 hour")
    held = session.claim(max_jobs=3)
    session.finish(held[1:2], "succeeded")
    session.finish(held[2:3], "dead")
    session.call("cancel", job=cancelled)
    before = session.everything()

    assert run_now(session, waiting, running, done, dead, cancelled, 7) == []
    assert reprioritise(session, 3, running, done, dead, cancelled, 7) == []

    assert session.everything() == before
    assert (session.count("revisions"), held[0].job) == (0, running)


def test_a_reprioritised_job_goes_before_its_elders(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(3)
    clock.advance(seconds=1)

    moved = reprioritise(session, 0, jobs[2])

    assert (moved, session.get(jobs[2]).priority) == ([jobs[2]], 0)
    assert claimed(session) == [jobs[2], jobs[0], jobs[1]]


def test_a_job_that_is_due_joins_the_end_of_its_new_line(session: Session, clock: Clock) -> None:
    old = session.enqueue(priority=9)
    clock.advance(seconds=1)
    urgent = session.enqueue(priority=0)
    clock.advance(seconds=1)

    reprioritise(session, 0, old)

    assert claimed(session) == [urgent, old]


def test_a_claimer_with_floors_finds_what_was_moved(session: Session, clock: Clock) -> None:
    job, later = session.enqueue(priority=9), session.enqueue(delay="1 hour")
    clock.advance(seconds=10)
    floors = {"floors": [clock.now()] * 10, "floor_ids": [0] * 10}

    reprioritise(session, 0, job)
    run_now(session, later)

    assert set(claimed(session, **floors)) == {job, later}


def test_a_scheduled_job_stays_scheduled_with_another_priority(session: Session, clock: Clock) -> None:
    job = session.enqueue(delay="1 hour")

    assert reprioritise(session, 0, job) == [job]

    assert (session.state(job), claimed(session)) == ("scheduled", [])
    clock.advance(hours=1)
    assert [(row.job, row.priority) for row in session.claim()] == [(job, 0)]


def test_a_new_priority_holds_for_retries_for_death_and_for_redrive(session: Session, clock: Clock) -> None:
    job = session.enqueue(max_attempts=2)
    reprioritise(session, 1, job)

    session.finish(session.claim(), "failed")
    retried = session.claim()
    session.finish(retried, "failed")
    letter = session.call("list_dead")[0]
    session.call("redrive", jobs=[job])

    assert (retried[0].priority, letter.priority, session.claim()[0].priority) == (1, 1, 1)


def test_a_hurried_job_that_died_and_is_redriven_waits(session: Session, clock: Clock) -> None:
    job = session.enqueue(delay="1 hour")
    run_now(session, job)
    clock.advance(seconds=1)
    session.finish(session.claim(), "dead")
    clock.advance(seconds=1)
    session.call("redrive", jobs=[job])

    assert session.state(job) == "waiting"
    assert [row.id for row in session.call("list_jobs", in_state="waiting")] == [job]
    assert reprioritise(session, 1, job) == [job]
    assert claimed(session) == [job]


def test_both_may_be_done_one_after_the_other(session: Session, clock: Clock) -> None:
    job = session.enqueue(delay="1 hour")

    assert reprioritise(session, 0, job) == [job]
    assert reprioritise(session, 0, job) == []
    assert run_now(session, job) == [job]
    assert run_now(session, job) == []
    assert reprioritise(session, 2, job) == [job]

    found = session.get(job)
    assert (found.state, found.priority, session.count("ready")) == ("waiting", 2, 1)


def test_a_job_of_the_line_apart_stays_there(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    for _ in range(2):
        session.claim(lease="1 s")
        clock.advance(seconds=2)
        session.reap()
    assert session.value("select priority from pgqueue.ready") == 10

    assert reprioritise(session, 0, job) == [job]

    assert session.value("select priority from pgqueue.ready") == 10
    assert session.get(job).priority == 0


@pytest.mark.parametrize("priority", [-1, 10, None])
def test_a_priority_out_of_bounds_is_refused(session: Session, priority: int | None) -> None:
    with pytest.raises(psycopg.Error, match=r"is not 0 \(most urgent\) to 9") as refused:
        session.call("reprioritise", jobs=[1], priority=priority)

    assert refused.value.sqlstate == "PQ002"


def test_a_job_being_claimed_is_left_to_its_claimer(session: Session, other: Session) -> None:
    job = session.enqueue()
    with session.transaction():
        held = session.claim()

        assert reprioritise(other, 0, job) == []

    assert session.finish(held) == []
    assert (session.state(job), session.count("revisions")) == ("succeeded", 0)


def test_a_job_being_moved_is_claimed_once_that_is_done(session: Session, other: Session) -> None:
    job = session.enqueue()
    with session.transaction():
        assert reprioritise(session, 0, job) == [job]

        assert (claimed(other), run_now(other, job)) == ([], [])

    assert (claimed(other), session.count("ready")) == ([job], 0)


def test_what_is_rolled_back_is_where_it_was(session: Session) -> None:
    job = session.enqueue(delay="1 hour")
    with session.transaction():
        assert run_now(session, job) == [job]
        raise psycopg.Rollback

    assert (session.state(job), session.count("ready"), session.count("revisions")) == ("scheduled", 1, 0)


def test_a_sleeper_is_woken(session: Session, other: Session) -> None:
    job = session.enqueue(delay="1 hour")
    assert other.call("take_watch", queues=["mail"])
    assert other.call("arm", queues=["mail"])
    channel = other.value("select pgqueue.bell_channel('mail')")
    other.run(f'listen "{channel}"')

    run_now(session, job)

    heard = [note.payload for note in other.connection.notifies(timeout=10, stop_after=1)]
    assert heard == ["wake mail"]


def test_revisions_go_with_the_body(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    reprioritise(session, 0, job)
    kept = session.call("delete_leftovers")[0][0]
    session.run("truncate pgqueue.jobs")

    deleted = session.call("delete_leftovers")[0][0]

    assert (kept, deleted, session.count("revisions")) == (0, 1, 0)
