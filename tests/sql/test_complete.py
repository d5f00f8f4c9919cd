"""Tests of finishing inside the caller's own transaction: effects and completion commit together."""

import psycopg
import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, InBackground, Session


def test_effects_and_completion_commit_together(session: Session, other: Session) -> None:
    job = session.enqueue()
    held = session.claim()[0]
    session.run("create table public.effects (number integer)")

    with session.transaction():
        session.run("insert into public.effects values (1)")
        session.complete(held, run_seconds=0.5, result='{"a": 1}')
        assert other.state(job) == "running"

    found = other.get(job)
    assert (found.state, found.result, found.history[0]["run_seconds"]) == ("succeeded", {"a": 1}, 0.5)
    assert session.count("claims") == 0


def test_effects_and_completion_roll_back_together(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()[0]

    with session.transaction():
        session.complete(held)
        raise psycopg.Rollback

    assert session.state(job) == "running"
    assert session.finish([held]) == []


def test_claim_and_completion_may_be_one_transaction(session: Session, other: Session) -> None:
    jobs = session.enqueue_many(3)

    with session.transaction():
        for held in session.claim(max_jobs=3):
            session.complete(held)
        assert other.claim(max_jobs=3) == []

    assert {session.state(job) for job in jobs} == {"succeeded"}
    assert (session.count("claims"), session.count("ready")) == (0, 0)


def test_a_transactional_claim_rolled_back_gives_all_back(session: Session, other: Session) -> None:
    jobs = session.enqueue_many(3)

    with session.transaction():
        for held in session.claim(max_jobs=3):
            session.complete(held)
        raise psycopg.Rollback

    assert [row.attempt for row in other.claim(max_jobs=3)] == [1, 1, 1]
    assert session.history(jobs[0]) == []


def test_a_completion_in_a_savepoint_rolled_back_leaves_the_job_held(session: Session) -> None:
    jobs = session.enqueue_many(2)
    held = session.claim(max_jobs=2)

    with session.transaction():
        session.complete(held[0])
        with session.transaction():
            session.complete(held[1])
            raise psycopg.Rollback

    assert [session.state(job) for job in jobs] == ["succeeded", "running"]


def test_a_lost_lease_cannot_complete_the_job(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    held = session.claim(lease="1 s")[0]
    clock.advance(seconds=2)
    session.reap()

    with pytest.raises(psycopg.Error, match="no longer holds job") as refusal:
        session.complete(held)

    assert refusal.value.sqlstate == "PQ001"
    assert session.history(job) == [(1, "expired")]


def test_a_lease_lost_to_another_worker_cannot_complete_the_job(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    lost = session.claim(lease="1 s")[0]
    clock.advance(seconds=2)
    session.reap()
    kept = session.claim()[0]

    with pytest.raises(psycopg.Error) as refusal:
        session.complete(lost)

    assert refusal.value.sqlstate == "PQ001"
    session.complete(kept)
    assert session.history(job) == [(1, "expired"), (2, "succeeded")]


@pytest.mark.parametrize("size", [1, 2])
def test_a_job_cannot_be_completed_twice(session: Session, size: int) -> None:
    session.enqueue_many(size)
    held = session.claim(max_jobs=size)[0]
    session.complete(held)

    with pytest.raises(psycopg.Error) as refusal:
        session.complete(held)

    assert refusal.value.sqlstate == "PQ001"
    assert session.history(held.job) == [(1, "succeeded")]


@pytest.mark.parametrize("values", [{"claim": 1, "job": 1}, {"claim": None, "job": None}])
def test_what_never_was_cannot_be_completed(session: Session, values: dict[str, int | None]) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        session.call("complete", **values)

    assert refusal.value.sqlstate == "PQ001"


def test_a_job_of_another_claim_cannot_be_completed(session: Session) -> None:
    session.enqueue_many(2)
    first, second = session.claim()[0], session.claim()[0]

    with pytest.raises(psycopg.Error) as refusal:
        session.call("complete", claim=first.claim, job=second.job)

    assert refusal.value.sqlstate == "PQ001"


def test_an_open_completion_keeps_no_sibling_from_finishing(session: Session, other: Session) -> None:
    jobs = session.enqueue_many(4)
    held = session.claim(max_jobs=4)

    with session.transaction():
        session.complete(held[0])
        assert other.finish([held[1]]) == []
        assert other.finish([held[2]], "failed", delays=["1 hour"]) == []
        other.finish([held[3]], "returned", delays=["1 hour"])
        assert [other.state(job) for job in jobs] == ["running", "succeeded", "scheduled", "waiting"]

    assert session.state(jobs[0]) == "succeeded"
    assert session.reap() == 0


def test_two_siblings_complete_side_by_side(session: Session, other: Session) -> None:
    jobs = session.enqueue_many(2)
    held = session.claim(max_jobs=2)

    with session.transaction(), other.transaction():
        session.complete(held[0])
        other.complete(held[1])

    assert {session.state(job) for job in jobs} == {"succeeded"}


def test_a_sibling_finished_meanwhile_stays_finished_after_a_rollback(
    session: Session, other: Session
) -> None:
    jobs = session.enqueue_many(2)
    held = session.claim(max_jobs=2)

    with session.transaction():
        session.complete(held[0])
        other.finish([held[1]])
        raise psycopg.Rollback

    assert [session.state(job) for job in jobs] == ["running", "succeeded"]
    assert session.value("select jobs from pgqueue.claims") == [jobs[0]]


def test_an_open_completion_keeps_no_lease_from_being_extended(
    session: Session, other: Session, clock: Clock
) -> None:
    session.enqueue_many(2)
    held = session.claim(max_jobs=2, lease="10 s")
    clock.advance(seconds=5)

    with session.transaction():
        session.complete(held[0])
        assert [row.claim for row in other.extend(held[0].claim)] == [held[0].claim]


@pytest.mark.parametrize("size", [1, 2])
def test_the_reaper_passes_over_an_open_completion(
    session: Session, other: Session, clock: Clock, size: int
) -> None:
    jobs = session.enqueue_many(size)
    held = session.claim(max_jobs=size, lease="1 s")
    clock.advance(seconds=2)

    with session.transaction():
        session.complete(held[0])
        assert other.reap() == 0

    assert session.state(jobs[0]) == "succeeded"


def test_the_reaper_takes_only_what_was_not_completed(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(2)
    held = session.claim(max_jobs=2, lease="1 s")
    session.complete(held[0])
    clock.advance(seconds=2)

    session.reap()

    assert [session.history(job) for job in jobs] == [[(1, "succeeded")], [(1, "expired")]]
    assert [row.job for row in session.claim(max_jobs=2)] == [jobs[1]]
    assert session.value("select array_agg(jobs[1]) from pgqueue.claims") == [jobs[1]]


def test_a_completion_behind_the_reaper_learns_that_it_lost(
    session: Session, other: Session, open_session: OpenSession, clock: Clock
) -> None:
    job = session.enqueue()
    held = session.claim(lease="1 s")[0]
    clock.advance(seconds=2)

    with session.transaction():
        session.reap()
        late = InBackground(open_session(patient=True), "complete", claim=held.claim, job=job)
        late.wait_until_blocked(other)

    with pytest.raises(psycopg.Error) as refusal:
        late.rows()
    assert refusal.value.sqlstate == "PQ001"
    assert session.history(job) == [(1, "expired")]


def test_a_failure_reported_behind_an_open_completion_changes_nothing(
    session: Session, other: Session, open_session: OpenSession
) -> None:
    job = session.enqueue()
    held = session.claim()[0]

    with session.transaction():
        session.complete(held)
        values = {"claims": [held.claim], "jobs": [job], "states": ["failed"]}
        late = InBackground(open_session(patient=True), "finish", **values)
        late.wait_until_blocked(other)

    late.rows()
    assert session.history(job) == [(1, "succeeded")]
    assert (session.count("ready"), session.count("claims")) == (0, 0)


@pytest.mark.parametrize("state", ["failed", "returned", "dead"])
def test_a_completion_behind_another_ending_learns_that_it_lost(
    session: Session, other: Session, open_session: OpenSession, state: str
) -> None:
    job = session.enqueue()
    held = session.claim()[0]

    with session.transaction():
        session.finish([held], state)
        late = InBackground(open_session(patient=True), "complete", claim=held.claim, job=job)
        late.wait_until_blocked(other)

    with pytest.raises(psycopg.Error) as refusal:
        late.rows()
    assert refusal.value.sqlstate == "PQ001"


def test_the_rest_of_a_claim_succeeds_beside_its_completed_jobs(session: Session) -> None:
    jobs = session.enqueue_many(3)
    held = session.claim(max_jobs=3)
    session.complete(held[1])

    assert len(session.call("finish_all", claims=[held[0].claim])) == 1

    assert [session.history(job) for job in jobs] == [[(1, "succeeded")]] * 3
    assert session.count("claims") == 0


def test_a_completed_job_leaves_the_claim_with_the_next_report(session: Session) -> None:
    session.enqueue_many(3)
    held = session.claim(max_jobs=3)
    session.complete(held[0])

    session.finish([held[1]])

    assert session.value("select jobs from pgqueue.claims") == [held[2].job]


def test_a_job_handed_back_during_its_open_completion_has_succeeded_and_is_not_run_again(
    session: Session, other: Session, open_session: OpenSession
) -> None:
    jobs = session.enqueue_many(2)
    held = session.claim(max_jobs=2)[0]

    with session.transaction():
        session.complete(held)
        values = {"claims": [held.claim], "jobs": [held.job], "states": ["returned"]}
        late = InBackground(open_session(patient=True), "finish", **values)
        late.wait_until_blocked(other)

    late.rows()
    assert session.state(jobs[0]) == "succeeded"
    assert session.claim(max_jobs=5) == []


def test_a_completion_beside_an_open_hand_back_learns_that_it_lost(
    session: Session, other: Session, open_session: OpenSession
) -> None:
    jobs = session.enqueue_many(2)
    held = session.claim(max_jobs=2)[0]

    with session.transaction():
        session.finish([held], "returned")
        late = InBackground(open_session(patient=True), "complete", claim=held.claim, job=held.job)
        late.wait_until_blocked(other)

    with pytest.raises(psycopg.Error) as refusal:
        late.rows()
    assert refusal.value.sqlstate == "PQ001"
    assert session.history(jobs[0]) == []
    assert [row.job for row in session.claim(max_jobs=5)] == [jobs[0]]
