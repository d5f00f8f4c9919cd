"""Tests that a job is found whatever state it is in, and that the view says the same in one word."""

import datetime as dt
from collections import Counter

import pytest

from tests.sql.horizon import cost
from tests.sql.session import Clock, Session

MANY = 8000


@pytest.mark.parametrize("job", [1, -1, 0, None, 9223372036854775807])
def test_an_unknown_job_is_no_row(session: Session, job: int | None) -> None:
    assert session.call("get_job", job=job) == []


def test_the_view_and_the_function_agree_in_every_state(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(9, max_attempts=[2])
    for job in jobs[:1]:
        session.call("cancel", job=job)
    held = session.claim(max_jobs=7)
    session.finish(held[:1], "succeeded")
    session.finish(held[1:2], "failed", delays=["1 hour"])
    session.finish(held[2:3], "failed")
    session.finish(held[3:4], "dead")
    session.finish(held[4:5], "cancelled")
    scheduled = session.enqueue(delay="1 day")

    seen = {row.id: row for row in session.run("select * from pgqueue.job_states")}

    assert len(seen) == 10
    for job in [*jobs, scheduled]:
        told = session.get(job)
        assert tuple(told)[:13] == tuple(seen[job])
    counted = Counter(row.state for row in seen.values())
    assert counted == {"cancelled": 2, "succeeded": 1, "scheduled": 2, "waiting": 3, "dead": 1, "running": 1}


def test_a_running_job_tells_its_lease(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.claim(worker=7, lease="10 s")

    found = session.get(job)

    assert (found.state, found.attempt, found.worker, found.claimed_at) == ("running", 1, 7, clock.now())
    assert found.expires_at == clock.now() + dt.timedelta(seconds=10)
    assert (found.run_at, found.finished_at) == (None, None)


def test_the_result_and_the_last_error_are_told(session: Session) -> None:
    job = session.enqueue()
    session.finish(session.claim(), "failed", errors=['{"type": "KeyError"}'])
    assert session.get(job).error == {"type": "KeyError"}

    session.finish(session.claim(), "succeeded", results=["[1, 2]"])

    found = session.get(job)
    assert (found.result, found.error) == ([1, 2], None)
    assert [one["state"] for one in found.history] == ["failed", "succeeded"]


def test_a_running_retry_is_running(session: Session) -> None:
    job = session.enqueue()
    session.finish(session.claim(), "failed")
    session.claim()

    assert (session.get(job).state, session.get(job).attempt) == ("running", 2)


def test_a_purged_job_was_redriven_before_it_died_again(session: Session, clock: Clock) -> None:
    job = session.enqueue(max_attempts=1)
    session.finish(session.claim(), "failed")
    clock.advance(seconds=1)
    session.call("redrive", jobs=[job])
    clock.advance(seconds=1)
    session.finish(session.claim(), "failed")
    session.call("purge", jobs=[job])

    assert session.state(job) == "purged"


@pytest.mark.parametrize("size", [1, 64])
@pytest.mark.parametrize("state", ["waiting", "dead"])
def test_a_look_costs_the_same_among_many(session: Session, state: str, size: int) -> None:
    job = session.enqueue_many(size, queues=["one"])[-1]
    if state == "dead":
        session.finish(session.claim("one", max_jobs=size), "dead")
    session.enqueue_each(MANY)
    session.finish(session.claim(max_jobs=MANY), "dead")
    session.enqueue_each(MANY)
    session.run("analyze")

    assert cost(session, "select * from pgqueue.get_job(%s)", job) < 200
    assert session.state(job) == state
