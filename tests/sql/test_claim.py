"""Tests that a claim takes the right jobs, in the right order, each once."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from tests.sql.session import Clock, Session


def test_a_claim_tells_all_a_worker_needs(session: Session, clock: Clock) -> None:
    enqueued_at = clock.now()
    job = session.enqueue(payload='{"a": 1}', headers='{"b": 2}', timeout="5 s")
    clock.advance(seconds=1)

    held = session.claim(lease="30 seconds", worker=77)[0]

    assert (held.job, held.attempt, held.last_attempt, held.priority) == (job, 1, 5, 5)
    assert (held.claimed_at, held.visible_at) == (clock.now(), enqueued_at)
    assert held.expires_at == clock.now() + dt.timedelta(seconds=30)
    assert (held.payload, held.headers, held.timeout) == ('{"a": 1}', '{"b": 2}', dt.timedelta(seconds=5))
    found = session.get(job)
    assert (found.state, found.attempt, found.worker) == ("running", 1, 77)


def test_a_claim_of_many_is_one_row(session: Session) -> None:
    session.enqueue_many(50)

    held = session.claim(max_jobs=50)

    assert len({row.claim for row in held}) == 1
    assert len({row.job for row in held}) == 50
    assert (session.count("claims"), session.count("ready")) == (1, 0)


def test_where_nothing_is_due_one_row_tells_the_time(session: Session, clock: Clock) -> None:
    rows = session.call("claim", queues=["mail"])

    assert [(row.claim, row.claimed_at, row.job) for row in rows] == [(None, clock.now(), None)]
    assert session.count("claims") == 0


@pytest.mark.parametrize("queues", [[], None, [None], ["unheard of"]])
def test_of_no_queue_nothing_is_claimed(session: Session, queues: list[str] | None) -> None:
    session.enqueue()

    rows = session.call("claim", queues=queues, max_jobs=10)

    assert [row.job for row in rows] == [None]
    assert session.count("ready") == 1


def test_a_claim_takes_no_more_than_asked(session: Session) -> None:
    session.enqueue_many(10)

    assert len(session.claim(max_jobs=3)) == 3
    assert len(session.claim(max_jobs=100)) == 7


def test_jobs_of_other_queues_stay(session: Session) -> None:
    session.enqueue(queue="other")

    assert session.claim() == []


def test_the_order_is_queue_then_priority_then_moment_then_id(session: Session, clock: Clock) -> None:
    late = session.enqueue(queue="b", delay="2 s")
    early = session.enqueue(queue="b", delay="1 s")
    twins = [session.enqueue(queue="b", run_at=clock.now() + dt.timedelta(seconds=3)) for _ in range(2)]
    urgent = session.enqueue(queue="b", priority=0, delay="4 s")
    lazy = session.enqueue(queue="a", priority=9, delay="5 s")
    clock.advance(seconds=10)
    expected = [lazy, urgent, early, late, *twins]

    one_by_one = [session.claim("a", "b")[0].job for _ in range(2)]
    at_once = [row.job for row in session.claim("a", "b", max_jobs=10)]

    assert one_by_one + at_once == expected


def test_a_large_batch_comes_in_order(session: Session) -> None:
    jobs = session.enqueue_many(300, priorities=[number % 10 for number in range(300)])
    expected = [job for priority in range(10) for job in jobs[priority::10]]

    assert [row.job for row in session.claim(max_jobs=300)] == expected


def test_the_same_queue_named_twice_gives_each_job_once(session: Session) -> None:
    jobs = session.enqueue_many(3)

    held = session.claim("mail", "mail", max_jobs=10)

    assert sorted(row.job for row in held) == sorted(jobs)


def test_a_floor_hides_what_lies_below_it(session: Session, clock: Clock) -> None:
    below = session.enqueue()
    clock.advance(seconds=1)
    floor = clock.now()
    above = session.enqueue()

    hinted = session.claim(max_jobs=5, floors=[floor] * 10)
    swept = session.claim(max_jobs=5)

    assert [row.job for row in hinted] == [above]
    assert [row.job for row in swept] == [below]


def test_a_floor_counts_for_its_queue_and_priority_alone(session: Session, clock: Clock) -> None:
    jobs = {
        (queue, priority): session.enqueue(queue=queue, priority=priority)
        for queue in ("a", "b")
        for priority in (3, 5)
    }
    floors: list[dt.datetime | None] = [None] * 20
    clock.advance(seconds=1)
    floors[10 + 3] = clock.now()

    held = {row.job for row in session.claim("a", "b", max_jobs=10, floors=floors)}

    assert held == set(jobs.values()) - {jobs["b", 3]}


def test_a_floor_is_a_place_among_jobs_of_one_moment(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_each(4)

    hinted = session.claim(max_jobs=10, floors=[clock.now()] * 10, floor_ids=[jobs[2]] * 10)

    assert [row.job for row in hinted] == jobs[2:]


def test_too_few_floors_hide_nothing(session: Session) -> None:
    session.enqueue(queue="b")

    assert len(session.claim("a", "b", floors=[])) == 1


def test_a_claim_tells_whether_more_is_due(session: Session) -> None:
    session.enqueue_many(3)

    assert [row.more for row in session.claim(max_jobs=2)] == [True, True]
    assert [row.more for row in session.claim(max_jobs=2)] == [False]
    assert [row.more for row in session.call("claim", queues=["mail"], max_jobs=2)] == [False]


def test_where_cancelled_jobs_were_among_them_there_may_be_more(session: Session) -> None:
    jobs = session.enqueue_many(4)
    session.call("cancel", job=jobs[0])

    held = session.claim(max_jobs=2)

    assert [(row.job, row.more) for row in held] == [(jobs[1], True)]


def test_a_claim_names_the_paused_queues_it_passed_over(session: Session) -> None:
    session.enqueue(queue="a")
    session.enqueue(queue="b")
    session.call("pause", queue="a")

    rows = session.claim("a", "b", max_jobs=2)

    assert [(row.queue, row.paused) for row in rows] == [("b", ["a"])]


def test_a_marked_claim_tells_which_transactions_are_under_way(session: Session, other: Session) -> None:
    with other.transaction():
        other.enqueue()
        writer_number = other.value("select pg_current_xact_id()::text::bigint")
        first = session.call("claim", queues=["mail"], marked=True)[0]
    second = session.call("claim", queues=["mail"], marked=True)[0]

    assert first.oldest <= writer_number < first.transaction
    assert second.transaction > first.transaction
    unmarked = other.call("claim", queues=["mail"])[0]
    assert (unmarked.transaction, unmarked.oldest) == (None, None)


def test_two_claims_never_share_a_job(session: Session, other: Session) -> None:
    jobs = session.enqueue_each(20)

    with session.transaction():
        first = session.claim(max_jobs=15)
        second = other.claim(max_jobs=15)

    assert len(first) == 15
    assert sorted(row.job for row in first + second) == sorted(jobs)


def test_a_claim_rolled_back_gives_its_jobs_to_the_next(session: Session, other: Session) -> None:
    job = session.enqueue()

    with session.transaction():
        session.claim()
        assert other.claim() == []
        raise psycopg.Rollback

    held = other.claim()
    assert [(row.job, row.attempt) for row in held] == [(job, 1)]


def test_claims_from_many_sides_share_the_queue(session: Session, other: Session) -> None:
    jobs = session.enqueue_many(1000)
    taken: list[int] = []

    while len(taken) < 1000:
        with session.transaction():
            taken += [row.job for row in session.claim(max_jobs=60)]
            taken += [row.job for row in other.claim(max_jobs=60)]

    assert sorted(taken) == sorted(jobs)


def test_cancelled_jobs_are_passed_over_for_the_next(session: Session) -> None:
    cancelled = session.enqueue_many(5)
    alive = session.enqueue()
    for job in cancelled:
        session.call("cancel", job=job)

    held = session.claim(max_jobs=2)

    assert [row.job for row in held] == [alive]
    assert {session.state(job) for job in cancelled} == {"cancelled"}
    assert [session.history(job) for job in cancelled] == [[(1, "cancelled")]] * 5


def test_where_all_are_cancelled_nothing_is_claimed(session: Session) -> None:
    job = session.enqueue()
    session.call("cancel", job=job)

    assert session.claim() == []
    assert (session.count("ready"), session.count("claims")) == (0, 0)


def test_a_job_among_cancelled_ones_is_held_alone(session: Session) -> None:
    jobs = session.enqueue_many(3)
    session.call("cancel", job=jobs[0])
    session.call("cancel", job=jobs[2])

    held = session.claim(max_jobs=3)

    assert [row.job for row in held] == [jobs[1]]
    assert session.value("select jobs from pgqueue.claims") == [jobs[1]]


def test_a_huge_lease_is_a_clear_error(session: Session) -> None:
    session.enqueue()

    with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
        session.claim(lease="300000 years")

    assert (session.count("ready"), session.count("claims")) == (1, 0)


def test_thousands_of_cancelled_jobs_do_not_stop_a_queue(session: Session) -> None:
    session.enqueue_many(3000)
    session.run("insert into pgqueue.cancellations select id, pgqueue.now() from pgqueue.waiting")
    alive = session.enqueue()
    found = []

    for _ in range(10):
        found += [row.job for row in session.claim()]

    assert found == [alive]
    assert session.count("ready") == 0


@pytest.mark.parametrize(
    "option",
    [
        {"lease": "0"},
        {"lease": "-1 s"},
        {"lease": None},
        {"max_jobs": 0},
        {"max_jobs": -1},
        {"max_jobs": None},
    ],
)
def test_a_claim_out_of_bounds_is_refused(session: Session, option: dict[str, Any]) -> None:
    session.enqueue()

    with pytest.raises(psycopg.Error) as refusal:
        session.claim(**option)

    assert refusal.value.sqlstate == "PQ002"
    assert (session.count("ready"), session.count("claims")) == (1, 0)
