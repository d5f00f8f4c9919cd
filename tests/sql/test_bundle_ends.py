"""Tests of jobs of one bundle that end, die or are moved each in its own way."""

import json

import pytest

from tests.sql.bundles import FEW, ends, ids_of, numbers, pages
from tests.sql.session import Clock, Session

# Cancelling


def test_jobs_cancelled_in_the_middle_of_a_bundle_end_there_and_the_others_run(session: Session) -> None:
    jobs = session.enqueue_many(FEW)
    for job in (jobs[2], jobs[3], jobs[7]):
        session.call("cancel", job=job)

    held = session.claim(max_jobs=5)
    rest = session.claim(max_jobs=FEW)

    assert ids_of(held) == [jobs[0], jobs[1], jobs[4]]
    assert (ids_of(rest), numbers(rest)) == ([jobs[5], jobs[6], jobs[8], jobs[9]], [5, 6, 8, 9])
    assert [session.state(job) for job in (jobs[2], jobs[3], jobs[7])] == ["cancelled"] * 3
    assert session.finish(held) + session.finish(rest) == []
    assert session.count("claims") == 0


def test_a_bundle_cancelled_whole_is_passed_over(session: Session) -> None:
    jobs = session.enqueue_many(FEW)
    last = session.enqueue()
    for job in jobs:
        session.call("cancel", job=job)

    assert ids_of(session.claim(max_jobs=4)) == [last]
    assert {session.state(job) for job in jobs} == {"cancelled"}
    assert session.count("ready") == 0


def test_a_job_cancelled_while_its_bundle_is_held_is_told_alone(session: Session) -> None:
    jobs = session.enqueue_many(FEW)
    held = session.claim(max_jobs=FEW)
    session.call("cancel", job=jobs[4])

    assert [row.cancelled for row in session.extend(held[0].claim)] == [[jobs[4]]]
    session.finish(held, "failed")

    assert session.state(jobs[4]) == "cancelled"
    assert {session.state(job) for job in jobs if job != jobs[4]} == {"waiting"}


# Reporting


def test_a_claim_of_bundles_reported_whole_tells_of_each_job(session: Session) -> None:
    jobs = session.enqueue_many(130)
    held = session.claim(max_jobs=100)
    seconds = [number / 8 for number in range(100)]

    assert session.finish(held, run_seconds=seconds) == []

    assert [ends(session, job) for job in jobs[:100]] == [[(1, "succeeded", each)] for each in seconds]
    assert session.get(jobs[37]).history[0]["run_seconds"] == 37 / 8
    assert [session.state(job) for job in (jobs[99], jobs[100])] == ["succeeded", "waiting"]
    assert session.count("claims") == 0


def test_whole_claims_are_told_with_their_own_run_times(session: Session) -> None:
    jobs = session.enqueue_many(30)
    claims = [session.claim(max_jobs=size)[0].claim for size in (4, 20, 6)]

    session.call(
        "finish_all",
        claims=[claims[2], claims[0], claims[1]],
        offsets=[0, 6, 10],
        run_seconds=[*range(100, 106), *range(4), *range(200, 220)],
    )

    told = [ends(session, job)[0][2] for job in jobs]
    assert told == [*range(4), *range(200, 220), *range(100, 106)]


def test_results_stay_with_their_jobs(session: Session) -> None:
    jobs = session.enqueue_many(FEW, keep_results=[True])
    held = session.claim(max_jobs=FEW)

    session.finish(held, results=[json.dumps({"of": number}) for number in range(FEW)])

    assert [session.get(job).result for job in jobs] == [{"of": number} for number in range(FEW)]


def test_a_held_bundle_ends_job_by_job_in_every_way(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(8, priorities=[3], max_attempts=[4])
    held = session.claim(max_jobs=8)
    clock.advance(seconds=1)

    states = ["succeeded", "failed", "returned", "dead", "cancelled", "failed"]
    assert session.finish(held[1:7], *states, run_seconds=[1, 2, 3, 4, 5, 6]) == []

    assert [session.state(job) for job in jobs] == [
        *["running", "succeeded", "waiting", "waiting", "dead", "cancelled", "waiting", "running"]
    ]
    assert session.run("select job from pgqueue.held order by job") == [(jobs[0],), (jobs[7],)]
    assert session.finish([held[0], held[7]]) == []
    again = session.claim(max_jobs=FEW)
    assert (ids_of(again), numbers(again)) == ([jobs[2], jobs[3], jobs[6]], [2, 3, 6])
    assert [row.attempt for row in again] == [2, 1, 2]
    assert {(row.priority, row.last_attempt) for row in again} == {(3, 4)}


def test_a_report_in_parts_leaves_the_rest_held(session: Session) -> None:
    jobs = session.enqueue_many(FEW)
    held = session.claim(max_jobs=FEW)
    for part in (held[3:5], held[:1], held[8:]):
        assert session.finish(part) == []
    lost = session.finish(held[2:5])

    assert sorted(ids_of(lost)) == jobs[3:5]
    assert session.call("finish_all", claims=[held[0].claim]) != []
    assert {session.state(job) for job in jobs} == {"succeeded"}
    assert session.value("select count(*) from pgqueue.attempts") == FEW


def test_what_a_dead_worker_held_of_a_bundle_comes_back_one_by_one(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(FEW, max_attempts=[3])
    for job in session.claim(max_jobs=4, lease="10 s")[:1]:
        session.finish([job])
    clock.advance(seconds=11)

    assert session.reap() == 3

    assert [ends(session, job)[0][:2] for job in jobs[1:4]] == [(1, "expired")] * 3
    held = session.claim(max_jobs=FEW, apart=False)
    assert sorted(ids_of(held)) == jobs[1:]
    assert {row.job: row.attempt for row in held} == {job: 1 + (job in jobs[1:4]) for job in jobs[1:]}


def test_what_killed_its_worker_twice_waits_apart_and_is_claimed_alone(
    session: Session, clock: Clock
) -> None:
    jobs = session.enqueue_many(3, max_attempts=[5])
    for _ in range(2):
        assert len(session.claim(max_jobs=3, lease="10 s", apart=False)) == 3
        clock.advance(seconds=11)
        session.reap()

    assert session.claim(max_jobs=3, apart=False) == []
    alone = [session.claim(max_jobs=3, apart=True) for _ in jobs]
    assert [len(held) for held in alone] == [1, 1, 1]
    assert sorted(held[0].job for held in alone) == jobs
    assert [json.loads(held[0].payload)["number"] for held in alone] == [
        jobs.index(held[0].job) for held in alone
    ]


# Death


def test_one_job_of_a_bundle_dies_is_told_whole_and_comes_back(session: Session) -> None:
    jobs = session.enqueue_many(FEW, max_attempts=[1], headers=['{"a": 1}'])
    held = session.claim(max_jobs=FEW)
    session.finish(held, *["succeeded"] * 4, "failed", *["succeeded"] * 5, errors=['{"type": "Boom"}'] * FEW)

    (letter,) = session.call("list_dead")
    assert (letter.job_id, letter.payload, letter.headers) == (jobs[4], {"number": 4}, {"a": 1})
    assert session.call("redrive", jobs=[jobs[4]]) == [(jobs[4],)]
    (again,) = session.claim(max_jobs=FEW)
    assert (again.job, again.attempt, again.last_attempt, numbers([again])) == (jobs[4], 2, 2, [4])
    session.finish([again])
    assert [session.state(job) for job in jobs] == ["succeeded"] * FEW
    assert len(pages(session, 3)) == FEW


def test_a_kept_body_of_one_job_says_nothing_of_its_neighbours(session: Session) -> None:
    jobs = session.enqueue_many(FEW, max_attempts=[1])
    session.finish(session.claim(max_jobs=1), "failed")
    session.call("redrive", jobs=[jobs[0]])

    assert [row.id for row in session.run("select id from pgqueue.bodies order by id")] == jobs
    assert [row.id for row in session.run("select id from pgqueue.job_states order by id")] == jobs
    assert sorted(ids_of(session.claim(max_jobs=FEW))) == jobs


# Moving


@pytest.mark.parametrize(
    "places", [[0], [5], [9], [0, 9], [4, 5], [3, 2, 1], [0, 2, 4, 6, 8], list(range(10))]
)
def test_any_jobs_of_a_bundle_are_reprioritised_and_the_others_stay(
    session: Session, clock: Clock, places: list[int]
) -> None:
    jobs = session.enqueue_many(FEW)
    clock.advance(seconds=1)
    moved = [jobs[place] for place in places]

    told = session.call("reprioritise", jobs=moved, priority=1)

    assert [row[0] for row in told] == moved
    rest = [job for job in jobs if job not in moved]
    first = session.claim(max_jobs=len(moved))
    assert sorted(ids_of(first)) == sorted(moved)
    assert {row.priority for row in first} == {1}
    second = session.claim(max_jobs=FEW)
    assert ids_of(second) == rest
    assert numbers(first + second) == [jobs.index(job) for job in ids_of(first + second)]


@pytest.mark.parametrize("places", [[0], [5], [9], [0, 5, 9], [5, 6]])
def test_any_jobs_of_a_bundle_are_hurried_and_the_others_stay_put_off(
    session: Session, clock: Clock, places: list[int]
) -> None:
    jobs = session.enqueue_many(FEW, delays=["3 days"])
    moved = [jobs[place] for place in places]

    assert [row[0] for row in session.call("run_now", jobs=moved)] == moved

    assert sorted(ids_of(session.claim(max_jobs=FEW))) == sorted(moved)
    rest = [job for job in jobs if job not in moved]
    assert {session.state(job) for job in rest} == {"scheduled"}
    clock.advance(days=3)
    assert ids_of(session.claim(max_jobs=FEW)) == rest


def test_a_job_of_the_rest_that_a_claim_left_is_moved(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(FEW)
    clock.advance(minutes=3)
    session.claim(max_jobs=4)

    assert session.call("reprioritise", jobs=[jobs[3], jobs[4], jobs[7]], priority=0) == [
        (jobs[4],),
        (jobs[7],),
    ]
    assert ids_of(session.claim(max_jobs=FEW)) == [jobs[4], jobs[7], jobs[5], jobs[6], jobs[8], jobs[9]]


@pytest.mark.parametrize("gone", [1, 3, 500, 997])
def test_run_times_of_the_rest_are_its_own_after_a_report_of_a_part(
    session: Session, clock: Clock, gone: int
) -> None:
    """The rest of a claim stays in its order, which is not that of the ids."""
    for priority in (7, 3, 5):
        session.enqueue_many(400, priorities=[priority])
    clock.advance(seconds=1)
    held = session.claim(max_jobs=1000)
    part = held[:: max(1, 1000 // gone)][:gone]
    session.finish(part)
    rest = [row for row in held if row not in part]

    seconds = [float(row.job % 1_000_000) for row in rest]
    session.call("finish_all", claims=[held[0].claim], offsets=[0], run_seconds=seconds)

    told = {
        row.job_id: row.run_seconds for row in session.run("select job_id, run_seconds from pgqueue.attempts")
    }
    assert [told[row.job] for row in rest] == seconds
    assert len(told) == 1000
