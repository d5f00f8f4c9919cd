"""Tests that what outlives its partition goes once it is not wanted, and never sooner."""

import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, InBackground, Session
from tests.sql.windows import only_windows_of_now


@pytest.fixture(autouse=True)
def _windows(session: Session, clock: Clock) -> None:
    """The windows around the clock's moment, which is not the server's."""
    only_windows_of_now(session)


def keep_house(session: Session) -> None:
    """A whole round, short of what a lock keeps from it."""
    session.call("make_partitions")
    for window in session.call("past_windows"):
        session.call("drop_window", parent=window.parent, name=window.name)
    session.call("delete_leftovers")


def pass_days(session: Session, clock: Clock, days: int) -> None:
    """Some days, with a round at the end."""
    clock.advance(days=days)
    keep_house(session)


def test_a_kept_body_goes_once_its_jobs_retention_is_over(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    pass_days(session, clock, 10)
    assert session.count("jobs_kept") == 1
    session.finish(session.claim())

    pass_days(session, clock, 6)
    assert session.count("jobs_kept") == 1

    pass_days(session, clock, 2)
    assert session.count("jobs_kept") == 0
    assert session.get(job) is None


def test_kept_bodies_are_looked_up_without_walking_the_line_they_wait_in(
    session: Session, clock: Clock
) -> None:
    jobs = session.enqueue_many(30, delays=["60 days"])
    pass_days(session, clock, 10)
    session.enqueue_each(15_000)  # the clock stands still: a millisecond has some more ids
    session.call("delete_leftovers")  # what it looks up in the catalog does not count

    plan = session.value("explain (analyze, buffers, format json) select pgqueue.delete_leftovers()")

    touched = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    assert session.count("jobs_kept") == len(jobs)
    assert touched < 30 * 60  # to walk the line takes each of them hundreds


def test_a_kept_body_goes_although_its_last_outcomes_window_went_first(
    session: Session, clock: Clock
) -> None:
    session.enqueue()
    pass_days(session, clock, 10)
    session.finish(session.claim())
    clock.advance(days=10)
    session.call("make_partitions")
    for window in session.call("past_windows"):
        session.call("drop_window", parent=window.parent, name=window.name)
    assert (session.count("outcomes"), session.count("jobs_kept")) == (0, 1)

    session.call("delete_leftovers")

    assert session.count("jobs_kept") == 0


@pytest.mark.parametrize("state", ["waiting", "delayed", "tried", "handed back", "held"])
def test_a_body_stays_while_its_job_may_still_run(session: Session, clock: Clock, state: str) -> None:
    session.enqueue(max_attempts=9, payload='{"a": 1}', delay="300 days" if state == "delayed" else None)
    if state == "tried":
        session.finish(session.claim(), "failed", delays=["300 days"])
    if state == "handed back":
        session.finish(session.claim(), "returned", delays=["300 days"])
    if state == "held":
        session.claim(lease="300 days")

    pass_days(session, clock, 20)
    pass_days(session, clock, 200)
    assert session.count("jobs_kept") == 1

    pass_days(session, clock, 100)
    session.reap()
    assert [row.payload for row in session.claim()] == ['{"a": 1}']


def test_a_round_beside_an_open_redrive_leaves_the_body(
    session: Session, other: Session, clock: Clock
) -> None:
    job = session.enqueue(payload='{"a": 1}')
    pass_days(session, clock, 10)
    session.finish(session.claim(), "dead")
    clock.advance(days=10)

    with session.transaction():
        session.call("redrive", jobs=[job])
        keep_house(other)

    keep_house(other)
    assert [(row.job, row.payload) for row in session.claim()] == [(job, '{"a": 1}')]


def test_a_redrive_beside_an_open_round_brings_the_body_back(
    session: Session, other: Session, open_session: OpenSession, clock: Clock
) -> None:
    job = session.enqueue(payload='{"a": 1}')
    pass_days(session, clock, 10)
    session.finish(session.claim(), "dead")
    clock.advance(days=10)

    with session.transaction():
        keep_house(session)
        assert session.count("jobs_kept") == 0
        late = InBackground(open_session(patient=True), "redrive", jobs=[job])
        late.wait_until_blocked(other)

    assert [row[0] for row in late.rows()] == [job]
    assert [(row.job, row.payload) for row in session.claim()] == [(job, '{"a": 1}')]


def test_cancellations_and_redrives_go_with_the_body(session: Session, clock: Clock) -> None:
    session.enqueue(max_attempts=1)
    session.finish(session.claim(), "failed")
    session.call("redrive", jobs=[session.call("list_dead")[0].job_id])
    job = session.enqueue(delay="30 days")
    session.call("cancel", job=job)
    session.finish(session.claim())

    pass_days(session, clock, 20)
    assert (session.count("redrives"), session.count("cancellations")) == (0, 1)

    clock.advance(days=11)
    assert session.claim() == []  # it meets the cancelled one
    pass_days(session, clock, 10)
    assert (session.count("redrives"), session.count("cancellations")) == (0, 0)


def test_each_call_deletes_no_more_than_asked(session: Session, clock: Clock) -> None:
    session.enqueue_many(10)
    pass_days(session, clock, 10)
    session.finish(session.claim(max_jobs=10))
    clock.advance(days=10)

    deleted = [session.call("delete_leftovers", most=4)[0][0] for _ in range(4)]

    assert deleted == [4, 4, 2, 0]
