"""Tests that a worker's death is seen by the lock its session held, and by nothing else."""

import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Session


def join(session: Session, worker: int, **options: object) -> bool:
    """Whether the session is that worker now."""
    values = {"queues": ["mail"], "host": "here", "process_id": 1, "version": "0", **options}
    found: bool = session.call("join_workers", worker=worker, **values)[0][0]
    return found


def absent(session: Session, asking: int = 0) -> list[int]:
    """The workers found absent."""
    return [row.worker for row in session.call("absent_workers", asking=asking)]


def wait_until_gone(observer: Session) -> None:
    """The server clears up behind a cut session; its locks go last."""
    while observer.value("select count(*) from pg_catalog.pg_locks where locktype = 'advisory'"):
        pass


def test_a_paused_worker_that_was_struck_off_comes_back_paused(session: Session) -> None:
    join(session, 7)
    session.call("leave_workers", worker=7)

    join(session, 7, paused=True)
    is_paused = session.value("select pgqueue.is_paused(7)")
    session.call("resume_worker", worker=7)
    join(session, 7, paused=True)  # its row is there, and knows better

    assert (is_paused, session.value("select pgqueue.is_paused(7)")) == (True, False)


def test_a_living_worker_is_not_absent(session: Session, other: Session) -> None:
    assert join(session, 7)

    assert absent(other) == []


def test_a_worker_whose_session_is_gone_is_absent(open_session: OpenSession, other: Session) -> None:
    session = open_session()
    join(session, 7)
    session.close()
    wait_until_gone(other)

    assert absent(other) == [7]


def test_the_one_asking_is_never_absent(session: Session) -> None:
    join(session, 7)

    assert absent(session, asking=7) == []


def test_a_worker_that_left_is_not_absent(session: Session, other: Session) -> None:
    join(session, 7)

    session.call("leave_workers", worker=7)

    assert absent(other) == []
    assert session.count("workers") == 0


def test_a_worker_that_came_back_is_not_absent(open_session: OpenSession, other: Session) -> None:
    session = open_session()
    join(session, 7)
    session.close()
    wait_until_gone(other)

    assert join(open_session(), 7)

    assert absent(other) == []
    assert other.count("workers") == 1


def test_a_worker_cannot_be_two(session: Session, other: Session) -> None:
    assert join(session, 7)

    assert not join(other, 7)


def test_an_absent_worker_met_the_server_that_runs(open_session: OpenSession, other: Session) -> None:
    session = open_session()
    join(session, 7)
    session.close()
    wait_until_gone(other)
    assert [row.met_server for row in other.call("absent_workers", asking=0)] == [True]

    other.run(
        "update pgqueue.workers set server_started_at = pg_postmaster_start_time() - interval '1 second'"
    )

    assert [row.met_server for row in other.call("absent_workers", asking=0)] == [False]


def test_a_worker_of_a_primary_that_is_lost_never_met_the_standby_that_was_started_before_it(
    open_session: OpenSession, other: Session
) -> None:
    session = open_session()
    join(session, 7)
    session.close()
    wait_until_gone(other)

    other.run("update pgqueue.workers set server_started_at = pg_postmaster_start_time() + interval '1 hour'")

    assert [row.met_server for row in other.call("absent_workers", asking=0)] == [False]


def test_a_dead_workers_jobs_come_back_and_it_is_struck_off(
    open_session: OpenSession, other: Session
) -> None:
    session = open_session()
    join(session, 7)
    job = session.enqueue()
    session.claim(worker=7, lease="1 hour")
    session.close()
    wait_until_gone(other)

    assert other.reap(dead=absent(other)) == 1
    other.call("strike_workers", workers=[7])

    assert other.state(job) == "waiting"
    assert (absent(other), other.count("workers")) == ([], 0)


def test_a_claim_its_worker_never_heard_of_is_handed_back_unspent(session: Session) -> None:
    jobs = session.enqueue_many(3)
    known = session.claim(worker=7)
    session.claim(worker=7)
    session.claim(worker=8)

    assert session.call("disown", worker=7, known=[known[0].claim])[0][0] == 1

    assert [session.state(job) for job in jobs] == ["running", "waiting", "running"]
    assert session.history(jobs[1]) == []
    assert session.claim()[0].attempt == 1


@pytest.mark.parametrize("known", [None, [None]])
def test_a_worker_that_does_not_say_what_it_knows_disowns_nothing(
    session: Session, known: list[int] | None
) -> None:
    session.enqueue()
    session.claim(worker=7)

    assert session.call("disown", worker=7, known=known)[0][0] == 0
