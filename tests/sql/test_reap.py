"""Tests that what a lost worker held comes back, once, and dies in the end."""

import datetime as dt

import pytest

from tests.sql.session import Clock, Session
from tests.sql.test_workers import join, wait_until_gone


def test_an_expired_job_waits_again_at_once(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.claim(lease="10 s", worker=7)
    clock.advance(seconds=11)

    assert session.reap() == 1

    found = session.get(job)
    assert (found.state, found.attempt, found.error["type"]) == ("waiting", 1, "LeaseExpired")
    assert (found.history[0]["state"], found.history[0]["worker"]) == ("expired", "7")
    assert session.claim()[0].attempt == 2


def test_a_living_lease_is_left_alone(session: Session, clock: Clock) -> None:
    session.enqueue()
    session.claim(lease="10 s")
    clock.advance(seconds=10)

    assert session.reap() == 0
    assert session.count("claims") == 1


def test_a_job_whose_worker_dies_each_time_ends_dead(session: Session, clock: Clock) -> None:
    job = session.enqueue(max_attempts=3)
    deliveries = 0
    while session.claim(lease="1 s"):
        deliveries += 1
        clock.advance(seconds=2)
        session.reap()

    assert deliveries == 3
    assert session.history(job) == [(1, "expired"), (2, "expired"), (3, "dead")]
    assert session.call("list_dead")[0].error["type"] == "LeaseExpired"


def test_a_dead_workers_claims_come_back_before_their_time(session: Session) -> None:
    session.enqueue_many(3)
    session.claim(max_jobs=2, worker=7, lease="1 hour")
    session.claim(worker=8, lease="1 hour")

    assert session.reap(dead=[7]) == 2

    assert session.value("select worker from pgqueue.claims") == 8


def test_a_claim_both_expired_and_orphaned_comes_back_once(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.claim(worker=7, lease="1 s")
    clock.advance(seconds=2)

    assert session.reap(dead=[7]) == 1
    assert (session.count("waiting"), session.history(job)) == (1, [(1, "expired")])


def test_claims_that_expired_before_its_reach_are_not_looked_at(session: Session, clock: Clock) -> None:
    session.enqueue_many(2)
    session.claim(lease="1 s")
    clock.advance(seconds=10)
    session.claim(lease="1 s")
    clock.advance(seconds=10)

    assert session.reap(reach=dt.timedelta(seconds=15)) == 1
    assert session.reap() == 1


def test_no_more_claims_than_asked_are_taken_the_oldest_first(session: Session, clock: Clock) -> None:
    session.enqueue_many(3)
    held = []
    for _ in range(3):
        held += session.claim(lease="1 s")
        clock.advance(seconds=1)
    clock.advance(seconds=5)

    assert session.reap(max_claims=2) == 2

    assert session.value("select id from pgqueue.claims") == held[2].claim


def test_two_reapers_share_the_work(session: Session, other: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(6)
    for _ in range(6):
        session.claim(lease="1 s")
    clock.advance(seconds=2)

    with session.transaction():
        assert session.reap(max_claims=4) == 4
        assert other.reap() == 2

    assert session.count("waiting") == 6
    assert [session.history(job) for job in jobs] == [[(1, "expired")]] * 6


def test_a_job_cancelled_while_it_ran_is_not_tried_again(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.claim(lease="1 s")
    session.call("cancel", job=job)
    clock.advance(seconds=2)

    session.reap()

    assert (session.state(job), session.count("waiting")) == ("cancelled", 0)


@pytest.mark.parametrize("dead", [[], [None], None, [999]])
def test_of_no_worker_nothing_is_taken(session: Session, dead: list[int] | None) -> None:
    session.enqueue()
    session.claim(worker=7)

    assert session.reap(dead=dead) == 0
    assert session.count("claims") == 1


def test_what_was_finished_of_a_batch_does_not_come_back(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(3)
    held = session.claim(max_jobs=3, lease="1 s")
    session.finish(held[:1])
    clock.advance(seconds=2)

    assert session.reap() == 2

    assert [session.state(job) for job in jobs] == ["succeeded", "waiting", "waiting"]


def test_a_worker_that_came_back_since_it_was_found_dead_keeps_its_jobs(
    session: Session, other: Session
) -> None:
    """Whoever found it dead may have been frozen for an hour before taking back its jobs."""
    join(session, 7)
    session.enqueue()
    session.claim(worker=7, lease="1 hour")

    assert other.reap(dead=[7]) == 0
    session.close()
    wait_until_gone(other)
    assert other.reap(dead=[7]) == 1


def test_one_transaction_takes_back_some_thousands_of_jobs_and_leaves_the_rest(
    session: Session, clock: Clock
) -> None:
    session.enqueue_many(7000)
    while session.claim(max_jobs=1000, lease="1 s"):
        pass
    clock.advance(seconds=2)

    taken = [session.reap(), session.reap(), session.reap()]

    assert taken == [5000, 2000, 0]
    assert session.count("waiting") == 7000


def test_a_claim_larger_than_that_comes_back_all_the_same(session: Session, clock: Clock) -> None:
    session.enqueue_many(6000)
    session.claim(max_jobs=6000, lease="1 s")
    clock.advance(seconds=2)

    assert session.reap() == 6000
