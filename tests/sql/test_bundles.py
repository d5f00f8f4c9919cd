"""Tests of bundles: jobs enqueued alike share rows, and are claimed one by one, each once and in order."""

import json
from itertools import pairwise

import psycopg
import pytest

from tests.sql.bundles import FEW, ids_of, numbers, pieces, waiting
from tests.sql.session import Clock, Session

BIG = "x" * 5000

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


@pytest.mark.parametrize(("payload", "alike"), [("{}", False), (json.dumps({"text": BIG}), True)])
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
