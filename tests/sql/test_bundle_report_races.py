"""Tests of reports of a held bundle beside somebody who completes a job of it: each has one outcome."""

from collections import Counter
from typing import Any

import psycopg
import pytest

from tests.sql.bundles import FEW, ids_of, successes
from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, InBackground, Row, Session


def report_of(way: str, held: list[Row]) -> tuple[str, dict[str, Any]]:
    """How these jobs are told to have succeeded, but for one that failed if the way is `mixed`."""
    claims, jobs = [row.claim for row in held], ids_of(held)
    if way == "finish_all":
        return "finish_all", {"claims": claims[:1]}
    states = [*["succeeded"] * 4, "failed" if way == "mixed" else "succeeded", *["succeeded"] * 5]
    return "finish", {"claims": claims, "jobs": jobs, "states": states}


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("way", ["finish_all", "finish", "mixed"])
def test_a_report_waits_for_a_completion_in_the_bundle_and_tells_of_no_job_twice(
    session: Session, open_session: OpenSession, way: str, commits: bool, isolation: str
) -> None:
    jobs = session.enqueue_many(FEW)
    held = session.claim(max_jobs=FEW)
    other, third = open_session(patient=True), open_session()
    other.run(f"set default_transaction_isolation = '{isolation}'")
    name, values = report_of(way, held)

    with session.transaction():
        session.complete(held[4])
        report = InBackground(other, name, **values)
        report.wait_until_blocked(third)
        if not commits:
            raise psycopg.Rollback
    try:
        report.rows()
    except psycopg.errors.SerializationFailure:
        assert isolation == "repeatable read"
        other.call(name, **values)

    again = ids_of(session.claim(max_jobs=FEW))
    assert again == ([jobs[4]] if way == "mixed" and not commits else [])
    assert successes(session) == Counter(set(jobs) - set(again))
    receipts = session.run("select job_id, claim_id from pgqueue.attempts")
    assert len(receipts) == len(set(receipts)) == FEW


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("way", ["extend", "reap"])
def test_who_extends_or_reaps_a_bundle_leaves_an_open_completion_in_it_alone(
    session: Session, other: Session, clock: Clock, way: str, commits: bool
) -> None:
    jobs = session.enqueue_many(FEW, max_attempts=[3])
    held = session.claim(max_jobs=FEW, lease="10 s")
    clock.advance(seconds=9 if way == "extend" else 11)

    with session.transaction():
        session.complete(held[4])
        assert other.reap() == 0
        if way == "extend":
            assert [row.claim for row in other.extend(held[0].claim)] == [held[0].claim]
        if not commits:
            raise psycopg.Rollback
    clock.advance(seconds=10)
    other.reap()

    assert successes(session) == Counter([jobs[4]] if commits else [])
    gone = set() if way == "extend" else {*jobs} - ({jobs[4]} if commits else set())
    assert set(ids_of(session.claim(max_jobs=FEW, apart=False))) == gone


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
@pytest.mark.parametrize("way", ["finish_all", "finish"])
def test_a_completion_committed_since_the_snapshot_is_no_second_outcome(
    session: Session, other: Session, way: str, isolation: str
) -> None:
    jobs = session.enqueue_many(FEW)
    held = session.claim(max_jobs=FEW)

    def report() -> None:
        if way == "finish":
            other.finish(held)
        else:
            other.call("finish_all", claims=[held[0].claim])

    try:
        with other.transaction():
            other.run(f"set transaction isolation level {isolation}")
            other.run("select count(*) from pgqueue.jobs")
            session.complete(held[7])
            report()
    except psycopg.errors.SerializationFailure:
        assert isolation == "repeatable read"
        report()

    assert successes(session) == Counter(jobs)
    assert session.count("claims") == 0


def test_two_complete_jobs_of_one_bundle_at_once(session: Session, other: Session) -> None:
    jobs = session.enqueue_many(FEW)
    held = session.claim(max_jobs=FEW)

    with session.transaction(), other.transaction():
        session.complete(held[3])
        other.complete(held[4])
    session.finish(held)

    assert successes(session) == Counter(jobs)
    assert session.count("claims") == 0


def test_a_bundle_claimed_and_completed_in_one_transaction_goes_with_it(
    session: Session, other: Session
) -> None:
    jobs = session.enqueue_many(FEW)

    with session.transaction():
        for row in session.claim(max_jobs=4):
            session.complete(row)
    with session.transaction():
        for row in session.claim(max_jobs=3):
            session.complete(row)
        raise psycopg.Rollback

    assert successes(session) == Counter(jobs[:4])
    assert session.count("claims") == 0
    assert ids_of(other.claim(max_jobs=FEW)) == jobs[4:]
