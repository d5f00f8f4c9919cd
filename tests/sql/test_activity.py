"""Tests that what went on lately is told as it was, and costs no more the longer the history is."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.sql.horizon import cost
from tests.sql.session import Clock, Row, Session

MANY = 40_000
PAGES = 20
END_MANY = """
    insert into pgqueue.outcomes
        (job_id, claim_id, claimed_at, finished_at, worker, attempt, size, state, run_seconds)
    select
        number, pgqueue.next_id(pgqueue.now()), pgqueue.now(),
        pgqueue.now() - (%(count)s - number) * interval '1 millisecond', 7, 1, 1, 'succeeded', '{0.5}'
    from generate_series(1, %(count)s) as number
"""


def total(session: Session, **options: Any) -> Row:
    (found,) = [row for row in session.call("activity", **options) if row.is_total]
    return found


def test_attempts_are_told_by_how_they_ended(session: Session, clock: Clock) -> None:
    session.enqueue_many(6)
    held = session.claim(max_jobs=6)
    session.finish(held[:3], run_seconds=[0.1, 0.2, 0.6])
    session.finish(held[3:5], "failed")
    session.finish(held[5:], "dead")

    row = total(session)

    assert (row.succeeded, row.failed, row.dead, row.expired, row.cancelled) == (3, 2, 1, 0, 0)
    assert row.run_mean == pytest.approx(0.3, rel=0.01)
    assert 0.2 < row.run_p95 <= 0.6001
    assert (row.since, row.moment) == (clock.now() - dt.timedelta(minutes=1), clock.now())


def test_rates_are_those_of_the_last_seconds(session: Session, clock: Clock) -> None:
    session.enqueue_many(20)
    session.finish(session.claim(max_jobs=10))
    clock.advance(seconds=30)
    session.enqueue_many(5)
    held = session.claim(max_jobs=8)
    session.finish(held[:6])
    session.finish(held[6:], "failed")
    clock.advance(seconds=4)

    row = total(session)

    assert (row.succeeded, row.succeeded_rate, row.failed_rate, row.enqueued_rate) == (16, 0.6, 0.2, 0.5)


def test_what_ended_before_the_period_does_not_count(session: Session, clock: Clock) -> None:
    session.enqueue_many(3)
    session.finish(session.claim(max_jobs=3))
    clock.advance(minutes=2)

    assert total(session).succeeded == 0
    assert total(session, period=dt.timedelta(minutes=5)).succeeded == 3


def test_each_worker_is_told_by_itself(session: Session, clock: Clock) -> None:
    session.enqueue_many(5)
    session.finish(session.claim(max_jobs=3, worker=7))
    session.finish(session.claim(max_jobs=2, worker=8), "failed")

    rows = {row.worker: row for row in session.call("activity") if not row.is_total}

    assert {worker: (row.succeeded, row.failed) for worker, row in rows.items()} == {7: (3, 0), 8: (0, 2)}


def test_where_nothing_went_on_there_is_still_an_answer(session: Session) -> None:
    (row,) = session.call("activity")

    assert (row.is_total, row.succeeded, row.run_p95, row.enqueued_rate) == (True, 0, None, 0)


def test_of_a_long_history_only_the_end_is_read_and_it_says_how_far(session: Session, clock: Clock) -> None:
    session.run(END_MANY, {"count": MANY})
    statement = f"select * from pgqueue.activity(pages => {PAGES})"

    row, much = total(session, pages=PAGES), cost(session, statement)
    session.run(END_MANY, {"count": 2 * MANY})

    assert row.since > clock.now() - dt.timedelta(seconds=10)
    assert row.succeeded_rate == pytest.approx(1000, rel=0.01)
    assert cost(session, statement) <= much + PAGES
    assert much < 30 * PAGES


@pytest.mark.parametrize(("enqueue", "looked_at"), [(Session.enqueue_each, 100), (Session.enqueue_many, 10)])
def test_of_many_enqueued_jobs_the_last_tell_the_rate(
    session: Session, clock: Clock, enqueue: Callable[..., list[int]], looked_at: int
) -> None:
    enqueue(session, 2000)
    clock.advance(seconds=2)
    in_them = session.value(
        "select sum(size) from (select size from pgqueue.jobs order by id desc limit %s) as newest", looked_at
    )
    statement = f"select pgqueue.enqueued_lately(pgqueue.now() - interval '10 s', pgqueue.now(), {looked_at})"

    assert session.value(statement) == pytest.approx(float(in_them) / 2)
    assert cost(session, statement) < 60


def test_the_last_ends_come_newest_first_with_what_they_were(session: Session, clock: Clock) -> None:
    first = session.enqueue(task="early")
    session.finish(session.claim(), "dead", errors=['{"type": "OSError"}'])
    clock.advance(seconds=1)
    second = session.enqueue(queue="other", task="late")
    session.finish(session.claim("other"), run_seconds=[0.5])

    rows = session.call("last_ends")

    assert [(row.job_id, row.queue, row.task, row.state, row.error_type) for row in rows] == [
        (second, "other", "late", "succeeded", None),
        (first, "mail", "early", "dead", "OSError"),
    ]
    assert len(session.call("last_ends", max_ends=1)) == 1


@pytest.mark.parametrize("name", ["activity", "last_ends"])
def test_looking_writes_nothing(session: Session, name: str) -> None:
    session.enqueue()

    with session.transaction():
        session.run("set transaction read only")
        session.call(name)
        assert session.value("select pg_current_xact_id_if_assigned()") is None
