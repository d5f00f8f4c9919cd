"""Tests of every way a held job ends, and of who may say so."""

import datetime as dt
import json
from typing import Any

import psycopg
import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, InBackground, Session

ERROR = json.dumps({"type": "ValueError", "message": "no", "traceback": "..."})


def test_a_job_that_succeeded_is_done(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    held = session.claim(worker=7)
    claimed_at = clock.now()
    clock.advance(seconds=2)

    lost = session.finish(held, "succeeded", run_seconds=[1.5], results=['{"sent": true}'])

    found = session.get(job)
    assert lost == []
    assert (found.state, found.result, found.finished_at) == ("succeeded", {"sent": True}, clock.now())
    assert found.history == [
        {
            "attempt": 1, "state": "succeeded", "claimed_at": moment_json(claimed_at),
            "finished_at": moment_json(clock.now()), "worker": "7", "run_seconds": 1.5, "error": None,
        }
    ]  # fmt: skip
    assert (session.count("claims"), session.count("waiting")) == (0, 0)


def moment_json(moment: dt.datetime) -> str:
    """The moment as jsonb tells it: no trailing zeros."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}+00:00"


def test_a_job_that_failed_waits_for_its_next_attempt(session: Session, clock: Clock) -> None:
    job = session.enqueue(priority=2)
    session.finish(session.claim(), "failed", delays=["10 seconds"], errors=[ERROR])

    found = session.get(job)
    assert (found.state, found.attempt, found.run_at) == (
        "scheduled",
        1,
        clock.now() + dt.timedelta(seconds=10),
    )
    assert (found.error["type"], found.finished_at) == ("ValueError", None)
    assert session.claim() == []

    clock.advance(seconds=10)
    held = session.claim()[0]
    assert (held.job, held.attempt, held.priority, held.visible_at) == (job, 2, 2, clock.now())


def test_a_failure_without_delay_is_tried_at_once(session: Session) -> None:
    session.enqueue()

    session.finish(session.claim(), "failed")

    assert session.claim()[0].attempt == 2


def test_the_last_attempt_to_fail_is_death(session: Session) -> None:
    job = session.enqueue(max_attempts=2)
    session.finish(session.claim(), "failed")
    session.finish(session.claim(), "failed", delays=["1 hour"], errors=[ERROR])

    assert session.state(job) == "dead"
    assert session.history(job) == [(1, "failed"), (2, "dead")]
    assert (session.count("waiting"), session.count("claims"), session.count("dead_letters")) == (0, 0, 1)


def test_death_need_not_wait_for_the_last_attempt(session: Session) -> None:
    job = session.enqueue(max_attempts=5)

    session.finish(session.claim(), "dead", errors=[ERROR])

    assert (session.state(job), session.history(job)) == ("dead", [(1, "dead")])


def test_a_handler_may_cancel_its_job(session: Session) -> None:
    job = session.enqueue()

    session.finish(session.claim(), "cancelled")

    assert session.state(job) == "cancelled"
    assert session.claim() == []


def test_a_job_handed_back_keeps_its_attempt(session: Session, clock: Clock) -> None:
    job = session.enqueue(max_attempts=1)
    for _ in range(3):
        session.finish(session.claim(), "returned")
    session.finish(session.claim(), "returned", delays=["1 minute"])

    assert session.claim() == []
    assert (session.get(job).attempt, session.history(job)) == (0, [])

    clock.advance(minutes=1)
    held = session.claim()
    assert [(row.job, row.attempt, row.last_attempt) for row in held] == [(job, 1, 1)]


def test_a_batch_ends_each_in_its_own_way(session: Session) -> None:
    jobs = session.enqueue_many(5, max_attempts=[3])
    held = session.claim(max_jobs=5)

    lost = session.finish(
        held, "succeeded", "failed", "dead", "cancelled", "returned",
        delays=[None, "1 hour", None, None, None], results=['{"a": 1}', None, None, None, None],
        errors=[None, ERROR, ERROR, None, None], run_seconds=[1.0, 2.0, 3.0, 4.0, None],
    )  # fmt: skip

    assert lost == []
    assert [session.state(job) for job in jobs] == ["succeeded", "scheduled", "dead", "cancelled", "waiting"]
    assert (session.count("claims"), session.count("waiting"), session.count("outcomes")) == (0, 2, 4)


def test_the_rest_of_a_batch_stays_held(session: Session) -> None:
    jobs = session.enqueue_many(4)
    held = session.claim(max_jobs=4)

    session.finish([held[0], held[2]])

    assert [session.state(job) for job in jobs] == ["succeeded", "running", "succeeded", "running"]
    assert session.finish([held[1], held[3]]) == []
    assert session.count("claims") == 0


def test_jobs_of_two_claims_finish_in_one_call(session: Session) -> None:
    session.enqueue_many(4)
    first, second = session.claim(max_jobs=2), session.claim(max_jobs=2)

    assert session.finish([second[0], first[1], first[0]]) == []

    assert session.value("select jobs from pgqueue.claims") == [second[1].job]


def test_the_same_job_named_twice_ends_once(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()

    session.finish([*held, *held], "returned")

    assert session.count("waiting") == 1
    assert session.get(job).attempt == 0


def test_a_lost_lease_cannot_finish_the_job(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    first = session.claim(lease="10 s")
    clock.advance(seconds=11)
    session.reap()
    second = session.claim()

    for state in ("succeeded", "failed", "dead", "cancelled", "returned"):
        lost = session.finish(first, state)
        assert [(row.claim, row.job) for row in lost] == [(first[0].claim, job)]

    assert (session.state(job), session.get(job).attempt) == ("running", 2)
    assert session.finish(second) == []
    assert session.history(job) == [(1, "expired"), (2, "succeeded")]


def test_a_finished_job_cannot_be_finished_again(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()
    session.finish(held)

    lost = session.finish(held, "failed")

    assert [row.job for row in lost] == [job]
    assert session.history(job) == [(1, "succeeded")]


def test_only_the_lost_ones_of_a_batch_come_back(session: Session) -> None:
    jobs = session.enqueue_many(3)
    held = session.claim(max_jobs=3)
    session.finish(held[1:2])

    lost = session.finish(held)

    assert [row.job for row in lost] == [jobs[1]]
    assert {session.state(job) for job in jobs} == {"succeeded"}


def test_a_claim_does_not_speak_for_another_ones_job(session: Session) -> None:
    jobs = session.enqueue_many(2)
    first, second = session.claim(), session.claim()

    lost = session.call("finish", claims=[first[0].claim], jobs=[second[0].job])

    assert len(lost) == 1
    assert [session.state(job) for job in jobs] == ["running", "running"]


def test_an_expired_lease_still_finishes_where_nobody_took_the_job(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    held = session.claim(lease="1 s")
    clock.advance(hours=1)

    assert session.finish(held) == []
    assert session.state(job) == "succeeded"


def test_nothing_to_finish_is_no_error(session: Session) -> None:
    assert session.call("finish", claims=[], jobs=[]) == []
    assert session.call("finish_all", claims=[]) == []


def test_arrays_of_another_length_are_refused(session: Session) -> None:
    session.enqueue_many(3)
    held = session.claim(max_jobs=3)
    before = session.everything()

    wrong: list[dict[str, Any]] = [
        {"states": ["failed"] * 2},
        {"delays": []},
        {"errors": [None] * 4},
        {"results": None},
    ]
    for option in wrong:
        values: dict[str, Any] = {
            "claims": [row.claim for row in held],
            "jobs": [row.job for row in held],
        } | option
        with pytest.raises(psycopg.Error, match=next(iter(option))) as refusal:
            session.call("finish", **values)
        assert refusal.value.sqlstate == "PQ002", option

    assert session.everything() == before


def test_an_unknown_state_is_refused(session: Session) -> None:
    session.enqueue()
    held = session.claim()
    before = session.everything()

    for state in ("waiting", ""):
        with pytest.raises(psycopg.Error):
            session.finish(held, state)

    assert session.everything() == before


def test_all_of_a_claim_succeeds_at_once(session: Session) -> None:
    jobs = session.enqueue_many(5)
    first, second = session.claim(max_jobs=2), session.claim(max_jobs=3)

    held = session.call(
        "finish_all", claims=[first[0].claim, second[0].claim], offsets=[0, 2], run_seconds=[1, 2, 3, 4, 5]
    )

    assert [row[0] for row in held] == [first[0].claim, second[0].claim]
    assert {session.state(job) for job in jobs} == {"succeeded"}
    seconds = {row.job_id: row.run_seconds for row in session.run("select * from pgqueue.attempts")}
    assert [seconds[row.job] for row in first + second] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("beside", [[], [0]], ids=["together", "one by one"])
def test_of_a_single_claim_the_run_times_need_no_offset(session: Session, beside: list[int]) -> None:
    session.enqueue_many(3)
    held = session.claim(max_jobs=3)
    for place in beside:
        session.complete(held[place], run_seconds=1)

    session.call("finish_all", claims=[held[0].claim], run_seconds=[1, 2, 3])

    rows = session.run("select run_seconds from pgqueue.attempts order by job_id")
    assert [row.run_seconds for row in rows] == [1, 2, 3]


def test_all_of_a_lost_claim_is_nothing(session: Session, clock: Clock) -> None:
    session.enqueue_many(2)
    lost = session.claim(lease="1 s")
    clock.advance(seconds=2)
    session.reap()
    kept = session.claim(max_jobs=2)

    held = session.call("finish_all", claims=[lost[0].claim, kept[0].claim])

    assert [row[0] for row in held] == [kept[0].claim]
    assert session.history(lost[0].job) == [(1, "expired"), (2, "succeeded")]


def test_all_but_what_was_finished_before_succeeds(session: Session) -> None:
    jobs = session.enqueue_many(3)
    held = session.claim(max_jobs=3)
    session.finish(held[:1], "dead")

    session.call("finish_all", claims=[held[0].claim])

    assert [session.state(job) for job in jobs] == ["dead", "succeeded", "succeeded"]


def test_a_finish_rolled_back_never_was(session: Session) -> None:
    job = session.enqueue()
    held = session.claim()

    with session.transaction():
        session.finish(held, "dead")
        raise psycopg.Rollback

    assert session.state(job) == "running"
    assert session.finish(held) == []


def test_a_finish_behind_the_reaper_learns_that_it_lost(
    session: Session, other: Session, open_session: OpenSession, clock: Clock
) -> None:
    job = session.enqueue()
    held = session.claim(lease="1 s")
    clock.advance(seconds=2)

    with session.transaction():
        session.reap()
        late = InBackground(open_session(patient=True), "finish", claims=[held[0].claim], jobs=[job])
        late.wait_until_blocked(other)

    assert [row.job for row in late.rows()] == [job]
    assert session.history(job) == [(1, "expired")]


def test_the_reaper_passes_over_what_is_being_finished(
    session: Session, other: Session, clock: Clock
) -> None:
    job = session.enqueue()
    held = session.claim(lease="1 s")
    clock.advance(seconds=2)

    with session.transaction():
        session.finish(held)
        assert other.reap() == 0

    assert other.reap() == 0
    assert session.history(job) == [(1, "succeeded")]


@pytest.mark.parametrize("size", [1, 2])
def test_a_job_without_a_state_is_refused_and_stays_held(session: Session, size: int) -> None:
    jobs = session.enqueue_many(size)
    held = session.claim(max_jobs=size)

    with pytest.raises(psycopg.Error) as refusal:
        session.call("finish", claims=[held[0].claim], jobs=[jobs[0]], states=[None])

    assert refusal.value.sqlstate == "PQ002"
    assert session.state(jobs[0]) == "running"


def test_claims_and_jobs_of_different_lengths_are_refused(session: Session) -> None:
    jobs = session.enqueue_many(2)
    held = session.claim(max_jobs=2)

    for claims, named in (([held[0].claim], jobs), ([held[0].claim] * 3, jobs), (None, None)):
        with pytest.raises(psycopg.Error) as refusal:
            session.call("finish", claims=claims, jobs=named)
        assert refusal.value.sqlstate == "PQ002"

    assert [session.state(job) for job in jobs] == ["running", "running"]
