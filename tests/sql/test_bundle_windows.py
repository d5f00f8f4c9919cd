"""Tests of bundles of which a part outlives its partition."""

from tests.sql.bundles import FEW, drop_all, ends, ids_of, numbers, pieces
from tests.sql.session import Clock, Session
from tests.sql.windows import only_windows_of_now


def test_what_is_left_of_a_bundle_outlives_its_partition_one_by_one(session: Session, clock: Clock) -> None:
    only_windows_of_now(session)
    jobs = session.enqueue_many(FEW, headers=['{"a": 1}'])
    session.finish(session.claim(max_jobs=2))
    held = session.claim(max_jobs=3, lease="20 days")
    clock.advance(days=10)
    session.call("make_partitions")

    drop_all(session)

    kept = session.run("select id, payload from pgqueue.jobs_kept order by id")
    assert [(row.id, row.payload["number"]) for row in kept] == list(
        zip(jobs[2:], range(2, FEW), strict=True)
    )
    assert session.count("jobs") == 0
    assert pieces(session) == [(jobs[5], 5)]
    assert [session.get(job) for job in jobs[:2]] == [None, None]
    assert (session.state(jobs[2]), session.state(jobs[9])) == ("running", "waiting")
    assert session.call("reprioritise", jobs=[jobs[7]], priority=1) == [(jobs[7],)]
    assert session.call("cancel", job=jobs[8])[0][0] == "waiting"
    claimed = session.claim(max_jobs=2) + session.claim(max_jobs=FEW)
    assert ids_of(claimed) == [jobs[7], jobs[5], jobs[6], jobs[9]]
    assert numbers(claimed) == [7, 5, 6, 9]
    assert {(row.queue, row.task, row.headers) for row in claimed} == {("mail", "send", '{"a": 1}')}
    assert session.finish(held, "failed") == session.finish(claimed) == []
    assert ids_of(session.claim(max_jobs=FEW, apart=False)) == jobs[2:5]
    assert session.state(jobs[8]) == "cancelled"


def test_run_times_are_their_own_jobs_where_some_bodies_are_kept_and_some_are_cancelled(
    session: Session, clock: Clock
) -> None:
    """They are told in the order in which the claim told of the jobs."""
    only_windows_of_now(session)
    old = session.enqueue_many(FEW)
    clock.advance(days=10)
    session.call("make_partitions")
    drop_all(session)
    new = session.enqueue_many(FEW)
    told: list[int] = []

    for limit, cancelled in ((4, []), (8, []), (3, [new[3]]), (FEW, [])):
        for job in cancelled:
            session.call("cancel", job=job)
        held = session.claim(max_jobs=limit)
        told += ids_of(held)
        seconds = [float(row.job % 1000) for row in held]
        session.call("finish_all", claims=[held[0].claim], offsets=[0], run_seconds=seconds)
        for row, each in zip(held, seconds, strict=True):
            assert ends(session, row.job) == [(1, "succeeded", each)]

    assert told == [job for job in (*old, *new) if job != new[3]]
    assert session.count("claims") == session.count("ready") == 0


def test_a_dead_job_outlives_its_bundle_and_comes_back_alone(session: Session, clock: Clock) -> None:
    only_windows_of_now(session)
    jobs = session.enqueue_many(FEW, max_attempts=[1])
    session.finish(session.claim(max_jobs=FEW), *["succeeded"] * 4, "failed", *["succeeded"] * 5)
    clock.advance(days=10)
    session.call("make_partitions")
    drop_all(session)

    assert session.get(jobs[4]).payload == {"number": 4}
    assert session.call("redrive", jobs=[jobs[4]]) == [(jobs[4],)]
    (held,) = session.claim(max_jobs=FEW)

    assert (held.job, numbers([held])) == (jobs[4], [4])
    assert [session.get(job) for job in (jobs[3], jobs[5])] == [None, None]
    assert session.finish([held]) == []


def test_the_default_partition_gives_up_a_bundle_of_which_a_part_still_waits(
    session: Session, clock: Clock
) -> None:
    for parent in ("jobs", "ready", "claims", "outcomes"):
        for row in session.call("windows"):
            if row.parent == parent:
                session.run(f"drop table if exists pgqueue.{row.name}")
    jobs = session.enqueue_many(FEW)
    session.finish(session.claim(max_jobs=4))
    clock.advance(days=10)
    session.call("make_partitions")

    for parent in ("ready", "jobs", "outcomes", "claims"):
        session.call("empty_default", parent=parent)

    assert session.count("jobs") == 0
    held = session.claim(max_jobs=FEW)
    assert (ids_of(held), numbers(held)) == (jobs[4:], list(range(4, FEW)))


def test_leftovers_of_a_bundle_go_job_by_job(session: Session, clock: Clock) -> None:
    only_windows_of_now(session)
    jobs = session.enqueue_many(FEW)
    clock.advance(days=10)
    session.call("make_partitions")
    drop_all(session)
    session.finish(session.claim(max_jobs=4))
    held = session.claim(max_jobs=2, lease="300 days")
    clock.advance(days=10)
    session.call("make_partitions")
    drop_all(session)

    session.call("delete_leftovers")

    assert [row.id for row in session.run("select id from pgqueue.jobs_kept order by id")] == jobs[4:]
    session.finish(held)
    assert ids_of(session.claim(max_jobs=FEW)) == jobs[6:]


def test_cancellations_stay_as_long_as_their_own_job_has_a_body(session: Session, clock: Clock) -> None:
    only_windows_of_now(session)
    jobs = session.enqueue_many(FEW)
    held = session.claim(max_jobs=FEW, lease="300 days")
    for job in jobs[1:3]:
        session.call("cancel", job=job)
    session.finish([held[1]], "cancelled")
    clock.advance(days=10)
    session.call("make_partitions")
    drop_all(session)

    session.call("delete_leftovers")

    assert [row.job_id for row in session.run("select job_id from pgqueue.cancellations")] == [jobs[2]]
