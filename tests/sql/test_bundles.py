"""Tests of bundles: jobs that lie in one row go their ways one by one, and none is lost, doubled or mistaken.

Every test looks at jobs, never at how many rows they make: but for the few about the rows.
"""

import datetime as dt
import json
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from tests.sql.session import Clock, Row, Session
from tests.sql.windows import only_windows_of_now

FEW = 10
PIECES = "select id, size, attempt, last_attempt, priority from pgqueue.ready order by visible_at, id"
BIG = "x" * 5000


def ids_of(rows: list[Row]) -> list[int]:
    return [row.job for row in rows]


def pieces(session: Session) -> list[tuple[int, int]]:
    """What waits, row by row: the first job and how many there are."""
    return [(row.id, row.size) for row in session.run(PIECES)]


def waiting(session: Session) -> list[int]:
    """What waits, job by job."""
    return [row.id for row in session.run("select id from pgqueue.waiting order by visible_at, id")]


def numbers(rows: list[Row]) -> list[int]:
    """The numbers in the payloads of claimed jobs."""
    return [json.loads(row.payload)["number"] for row in rows]


def ends(session: Session, job: int) -> list[tuple[int, str, float | None]]:
    """Attempt, state and run time of every outcome of a job, oldest first."""
    rows = session.run(
        "select attempt, state, run_seconds from pgqueue.attempts where job_id = %s order by attempt", job
    )
    return [(row.attempt, row.state, row.run_seconds) for row in rows]


def pages(session: Session, size: int, **filters: Any) -> list[int]:
    """The jobs of all pages, in order."""
    found: list[int] = []
    after = None
    while True:
        rows = session.call("list_jobs", max_jobs=size, after=after, **filters)
        found += [row.id for row in rows if row.id is not None]
        if not rows or rows[-1].id is not None:
            return found
        after = rows[-1].next_page


# Enqueueing


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000, 1001, 5000])
def test_the_jobs_of_a_bulk_keep_their_order_their_ids_and_their_bodies(session: Session, count: int) -> None:
    jobs = session.enqueue_many(count)

    assert len(jobs) == count
    assert all(one < next_one for one, next_one in pairwise(jobs))
    bodies = session.run("select id, payload from pgqueue.bodies order by id")
    assert [(row.id, row.payload["number"]) for row in bodies] == list(zip(jobs, range(count), strict=True))
    assert waiting(session) == jobs
    held = session.claim(max_jobs=count)
    assert (ids_of(held), numbers(held)) == (jobs, list(range(count)))


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (64, [64]), (65, [33, 32]), (130, [44, 44, 42])])
def test_bundles_are_of_even_size_and_their_ids_follow_each_other(
    session: Session, count: int, sizes: list[int]
) -> None:
    jobs = session.enqueue_many(count)

    assert [size for _, size in pieces(session)] == sizes
    for first, size in pieces(session):
        assert first % 64 == 0
        assert jobs[jobs.index(first) : jobs.index(first) + size] == list(range(first, first + size))
    assert session.value("select sum(cardinality(payloads)) from pgqueue.jobs") == count


@pytest.mark.parametrize("length", [10, 60, 500, 3000, 4000, 100_000])
def test_what_is_big_lies_in_small_bundles_or_by_itself(session: Session, length: int) -> None:
    payloads = [json.dumps({"number": number, "text": "x" * length}) for number in range(70)]
    jobs = session.enqueue_many(70, payloads=payloads)

    largest = session.value("select max(cardinality(payloads)) from pgqueue.jobs")
    assert largest <= max(1, 4000 // length)
    held = session.claim(max_jobs=70)
    assert (ids_of(held), numbers(held)) == (jobs, list(range(70)))
    assert {len(json.loads(row.payload)["text"]) for row in held} == {length}


def test_big_and_small_ones_in_one_bulk_keep_their_own_bodies(session: Session) -> None:
    texts = [BIG if number % 97 == 0 else "y" * (number % 60) for number in range(2500)]
    payloads = [json.dumps({"number": number, "text": text}) for number, text in enumerate(texts)]
    jobs = session.enqueue_many(2500, payloads=payloads)

    held = session.claim(max_jobs=2500)

    assert (ids_of(held), numbers(held)) == (jobs, list(range(2500)))
    assert [json.loads(row.payload)["text"] for row in held] == texts
    assert session.get(jobs[97]).payload == {"number": 97, "text": BIG}


def test_each_job_of_a_bundle_is_found_by_its_id_and_its_neighbours_by_none(session: Session) -> None:
    jobs = session.enqueue_many(FEW, headers=['{"of": "all"}'], priorities=[3], max_attempts=[2])

    for number, job in enumerate(jobs):
        found = session.get(job)
        assert (found.id, found.payload, found.headers) == (job, {"number": number}, {"of": "all"})
        assert (found.state, found.priority, found.max_attempts) == ("waiting", 3, 2)
    assert session.get(jobs[-1] + 1) is None
    assert session.get(jobs[0] - 1) is None
    with pytest.raises(psycopg.Error) as refusal:
        session.call("cancel", job=jobs[-1] + 1)
    assert refusal.value.sqlstate == "PQ005"


def test_a_bundle_of_a_rolled_back_transaction_leaves_nothing(session: Session) -> None:
    before = session.everything()

    with session.transaction():
        session.enqueue_many(FEW)
        raise psycopg.Rollback

    assert session.everything() | {"queues": 0} == before | {"queues": 0}


def test_one_bad_payload_in_a_bulk_refuses_it_whole(session: Session) -> None:
    payloads: list[str | None] = ["{}"] * 100
    payloads[70] = None

    with pytest.raises(psycopg.Error) as refusal:
        session.enqueue_many(100, payloads=payloads)

    assert refusal.value.sqlstate == "PQ002"
    assert session.count("jobs") == 0


@pytest.mark.parametrize(
    "payloads",
    [
        '\'[0:2]={"{}","{}","{}"}\'::jsonb[]',
        '\'[5:7]={"{}","{}","{}"}\'::jsonb[]',
        "array[array['{}'::jsonb, '{}'], array['{}'::jsonb, '{}']]",
    ],
)
def test_payloads_are_a_plain_array_from_1_on(session: Session, payloads: str) -> None:
    """Counted and cut otherwise, some would be lost."""
    with pytest.raises(psycopg.Error) as refusal:
        session.run(f"select pgqueue.enqueue_many('{{mail}}', '{{send}}', {payloads})")

    assert refusal.value.sqlstate == "PQ002"
    assert session.count("jobs") == 0


@pytest.mark.parametrize("payload", ["{}", json.dumps({"text": BIG})])
@pytest.mark.parametrize("alike", [True, False])
def test_more_jobs_than_a_millisecond_has_ids_go_into_one_call(
    session: Session, payload: str, alike: bool
) -> None:
    count = 17_000
    priorities = [5] if alike else [number % 2 + 5 for number in range(count)]

    jobs = session.enqueue_many(count, payloads=[payload] * count, priorities=priorities)

    assert len(set(jobs)) == count
    assert jobs == sorted(jobs)
    assert session.value("select count(*) from pgqueue.waiting") == count


def test_a_bulk_keeps_its_order_where_the_sequence_of_ids_comes_round(session: Session, clock: Clock) -> None:
    for place in range(0, 64, 7):
        session.run("select setval('pgqueue.id_sequence', 16384 - %s)", place)
        alike = session.enqueue_many(1000)
        mixed = session.enqueue_many(100, priorities=[4] * 100)
        assert (alike, mixed) == (sorted(alike), sorted(mixed))
        clock.advance(milliseconds=1)


def test_a_clock_set_back_gives_no_id_twice(session: Session, clock: Clock) -> None:
    first = session.enqueue_many(200)
    clock.advance(seconds=-1)
    second = session.enqueue_many(200)
    clock.advance(seconds=1)
    third = session.enqueue_many(200)

    assert len({*first, *second, *third}) == 600


# Claiming


@pytest.mark.parametrize("limit", [1, 2, 63, 64])
def test_a_claim_takes_as_many_as_it_was_asked_for_and_no_more(session: Session, limit: int) -> None:
    jobs = session.enqueue_many(200)

    taken: list[int] = []
    while held := session.claim(max_jobs=limit):
        assert len(held) == min(limit, 200 - len(taken))
        assert numbers(held) == list(range(len(taken), len(taken) + len(held)))
        taken += ids_of(held)
    assert taken == jobs
    assert session.count("ready") == 0


@pytest.mark.parametrize("limit", [7, 64, 100, 128, 199, 200, 1000])
def test_a_claim_takes_several_bundles_and_a_part_of_the_last(session: Session, limit: int) -> None:
    jobs = session.enqueue_many(200)

    held = session.claim(max_jobs=limit)

    assert ids_of(held) == jobs[:limit]
    assert waiting(session) == jobs[limit:]
    assert {row.more for row in held} == {limit <= 200}


def test_what_a_claim_leaves_of_a_bundle_is_as_it_was(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(FEW, priorities=[2], max_attempts=[3])
    before = session.run("select visible_at, attempt, last_attempt, priority, queue from pgqueue.waiting")
    clock.advance(minutes=5)

    session.claim(max_jobs=4)

    after = session.run("select visible_at, attempt, last_attempt, priority, queue from pgqueue.waiting")
    assert pieces(session) == [(jobs[4], 6)]
    assert set(after) == set(before)
    assert session.run("select jobs, sizes from pgqueue.claims")[0] == ([jobs[0]], [4])


def test_a_job_put_off_for_long_leaves_its_rest_where_it_can_be_claimed(
    session: Session, clock: Clock
) -> None:
    jobs = session.enqueue_many(FEW, delays=["3 days"])
    assert session.claim(max_jobs=FEW) == []
    clock.advance(days=3)

    assert ids_of(session.claim(max_jobs=3)) == jobs[:3]
    assert ids_of(session.claim(max_jobs=FEW)) == jobs[3:]


def test_singles_and_bundles_come_in_the_order_of_queue_priority_time_and_id(
    session: Session, clock: Clock
) -> None:
    late_queue = session.enqueue_many(70, queues=["b"], priorities=[0])
    low = session.enqueue_many(20, queues=["a"], priorities=[9])
    singles = [session.enqueue("a") for _ in range(3)]
    bundles = session.enqueue_many(150, queues=["a"])
    clock.advance(seconds=1)
    more_singles = [session.enqueue("a") for _ in range(20)]
    urgent = session.enqueue_many(5, queues=["a"], priorities=[1])
    expected = [*urgent, *singles, *bundles, *more_singles, *low, *late_queue]
    clock.advance(seconds=1)

    taken: list[int] = []
    for limit in [1, 6, 3, 90, 2, 100, 1000]:
        held = session.claim("a", "b", max_jobs=limit)
        assert len(held) == min(limit, len(expected) - len(taken))
        taken += ids_of(held)

    assert taken == expected


def test_a_claim_of_many_singles_and_bundles_of_every_size_takes_them_in_order(
    session: Session, clock: Clock
) -> None:
    expected: list[int] = []
    for size in [1, 64, 1, 1, 30, 2, 64, 64, 1, 17, 5, 64]:
        expected += session.enqueue_many(size)
        clock.advance(milliseconds=1)

    for limit in [200, 1000]:
        held = session.claim(max_jobs=limit)
        assert ids_of(held) == expected[:limit]
        del expected[:limit]
    assert expected == []


def test_a_floor_in_the_middle_of_a_bundle_hides_nothing_that_is_left_of_it(session: Session) -> None:
    jobs = session.enqueue_many(FEW)
    taken: list[int] = []
    held = session.claim(max_jobs=3)
    while held:
        taken += ids_of(held)
        first = held[0]
        floors, ids = [None] * 5 + [first.visible_at], [None] * 5 + [first.job]
        held = session.claim(max_jobs=3, floors=floors, floor_ids=ids)

    assert taken == jobs


def test_a_paused_queue_keeps_its_bundle_whole(session: Session) -> None:
    jobs = session.enqueue_many(FEW)
    session.call("pause", queue="mail")
    assert session.claim(max_jobs=3) == []
    session.call("resume", queue="mail")

    assert ids_of(session.claim(max_jobs=FEW)) == jobs


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


# Windows


def drop_all(session: Session) -> None:
    for window in session.call("past_windows"):
        session.call("drop_window", parent=window.parent, name=window.name, carry=3)
        while session.call("drop_window", parent=window.parent, name=window.name, carry=3)[0][0] == "carried":
            pass


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


# Telling


@pytest.mark.parametrize("size", [1, 3, 7, 64, 100])
@pytest.mark.parametrize(
    "state", [None, "waiting", "scheduled", "running", "succeeded", "cancelled", "dead", "purged"]
)
def test_pages_that_end_in_the_middle_of_a_bundle_lose_and_double_no_job(
    session: Session, clock: Clock, state: str | None, size: int
) -> None:
    there = fill(session, clock)
    expected = sorted(job for jobs in there.values() for job in jobs) if state is None else there[state]

    found = pages(session, size, in_state=state)

    assert sorted(found) == sorted(expected)
    assert found == sorted(found, reverse=state not in ("waiting", "scheduled"))
    for filters in ({"in_queue": "mail"}, {"of_task": "send"}):
        assert pages(session, size, in_state=state, **filters) == found


def fill(session: Session, clock: Clock) -> dict[str, list[int]]:
    """Jobs in every state, bundles cut in every way."""
    there: dict[str, list[int]] = {}
    ended = session.enqueue_many(24, max_attempts=[1])
    clock.advance(milliseconds=1)
    session.finish(session.claim(max_jobs=5))
    held = session.claim(max_jobs=12)
    states = ["succeeded", "dead", "dead", "cancelled"] * 3
    session.finish(held, *states)
    session.finish(session.claim(max_jobs=7))
    dead = [row.job for row, state in zip(held, states, strict=True) if state == "dead"]
    there["purged"], there["dead"] = dead[1:3], [dead[0], *dead[3:]]
    session.call("purge", jobs=there["purged"])
    there["cancelled"] = [row.job for row, state in zip(held, states, strict=True) if state == "cancelled"]
    there["succeeded"] = [job for job in ended if job not in (*dead, *there["cancelled"])]
    running = session.enqueue_many(20)
    clock.advance(milliseconds=1)
    there["running"] = ids_of(session.claim(max_jobs=9) + session.claim(max_jobs=11))
    assert there["running"] == running
    waiting_jobs = session.enqueue_many(70)
    clock.advance(milliseconds=1)
    there["running"] += ids_of(session.claim(max_jobs=2))
    session.call("cancel", job=waiting_jobs[30])
    there["cancelled"].append(waiting_jobs[30])
    there["waiting"] = [job for job in waiting_jobs[2:] if job != waiting_jobs[30]]
    there["scheduled"] = session.enqueue_many(70, delays=["1 hour"])
    return there


def test_the_view_of_all_states_tells_what_is_told_of_each_job(session: Session, clock: Clock) -> None:
    there = fill(session, clock)
    session.run("set jit = off")

    told = {row.id: row for row in session.run("select * from pgqueue.job_states")}

    for state, jobs in there.items():
        assert {told[job].state for job in jobs} == {state}
        assert list(session.call("states_of", jobs=jobs)) == [told[job] for job in jobs]


def test_a_list_since_and_before_moments_cuts_no_bundle(session: Session, clock: Clock) -> None:
    session.enqueue_many(FEW)
    clock.advance(seconds=1)
    since, before = clock.now(), clock.now() + dt.timedelta(seconds=1)
    jobs = session.enqueue_many(FEW)
    clock.advance(seconds=1)
    session.enqueue_many(FEW)

    for state in (None, "waiting"):
        found = pages(session, 3, in_state=state, enqueued_since=since, enqueued_before=before)
        assert sorted(found) == jobs


def test_stats_count_jobs_exactly(session: Session, clock: Clock) -> None:
    fill(session, clock)
    session.enqueue_many(500, queues=["other"], priorities=[2])
    session.claim("other", max_jobs=123)

    stats = {row.queue: row for row in session.call("queue_stats")}

    mail, other = stats["mail"], stats["other"]
    assert (mail.waiting[5], mail.scheduled, mail.running, mail.dead) == (68, 70, 22, 4)
    assert (other.waiting[2], sum(other.waiting), other.running) == (377, 377, 123)
    assert mail.estimated == other.estimated == []
    assert other.oldest is not None


def test_a_row_is_told_to_hold_as_many_jobs_as_it_does(session: Session) -> None:
    assert {row.density for row in session.call("relation_stats")} == {1.0}
    session.enqueue_many(128)
    session.enqueue()
    session.enqueue()
    session.finish(session.claim(max_jobs=64), *["succeeded"] * 64)

    density = {row.relation: row.density for row in session.call("relation_stats")}

    assert (density["jobs"], density["outcomes"], density["ready"]) == (32.5, 64.0, 1.0)


def test_the_workers_are_told_how_many_jobs_they_hold(session: Session) -> None:
    session.enqueue_many(100)
    session.claim(max_jobs=70, worker=7)
    session.run(
        "insert into pgqueue.workers (id, started_at, server_started_at, process_id, host, queues, version)"
        " values (7, now(), now(), 1, 'h', '{mail}', '1')"
    )

    (worker,) = session.call("worker_stats")

    assert (worker.claims, worker.jobs) == (1, 70)


def test_activity_counts_jobs_not_rows(session: Session) -> None:
    session.enqueue_many(100, max_attempts=[1])
    held = session.claim(max_jobs=60, worker=7)
    session.finish(held, run_seconds=[2.0])
    session.finish(session.claim(max_jobs=40, worker=7), *["failed"] * 3, *["succeeded"] * 37)

    total = next(row for row in session.call("activity") if row.is_total)

    assert (total.succeeded, total.dead) == (97, 3)
    assert total.run_mean == 2.0
    assert total.enqueued_rate == pytest.approx(10.0)
    assert len(session.call("last_ends", max_ends=500)) == 100


def test_what_a_job_says_of_itself_is_not_said_of_its_neighbours(session: Session) -> None:
    jobs = session.enqueue_many(3)
    session.claim(max_jobs=3)

    session.call("report_progress", jobs=[jobs[1]], attempts=[1], fractions=[0.5], notes=["half"])

    assert [(session.get(job).fraction, session.get(job).note) for job in jobs] == [
        (None, None),
        (0.5, "half"),
        (None, None),
    ]


def test_the_next_due_moment_is_told_of_a_bundle(session: Session, clock: Clock) -> None:
    session.enqueue_many(FEW, delays=["10 s"])

    assert session.call("next_due", queues=["mail"])[0][0] == dt.timedelta(seconds=10)


def test_one_look_at_big_bodies_does_not_read_them(session: Session) -> None:
    """A list, a state, the activity: none needs what a payload says."""
    text = session.value("select string_agg(md5(number::text), '') from generate_series(1, 6000) as number")
    jobs = session.enqueue_many(20, payloads=[json.dumps({"text": text})] * 20)
    calls = {
        "list_jobs": "select * from pgqueue.list_jobs()",
        "activity": "select * from pgqueue.activity()",
        "states_of": f"select * from pgqueue.states_of(array{jobs})",
        "has_body": f"select pgqueue.has_body(job) from unnest(array{jobs}) as job",
    }

    read = {name: buffers(session, statement) for name, statement in calls.items()}

    assert {name: count for name, count in read.items() if count > 20 * 24} == {}, read


def buffers(session: Session, statement: str) -> int:
    """How many pages a statement touches, once it is known."""
    session.run(statement)
    rows = session.run(f"explain (analyze, buffers, timing off, format json) {statement}")
    plan = rows[0][0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


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
