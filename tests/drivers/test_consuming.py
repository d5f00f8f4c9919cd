"""Consuming through every route: claim, effects and completion in the caller's own transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pgqueue import Client, LeaseLost
from tests.drivers.route import AnyClient, Handle, Route
from tests.drivers.tasks import HOSTILE, note

LEASE = timedelta(minutes=3)


def state(dsn: str, job_id: int) -> str:
    with psycopg.connect(dsn) as other:
        record = Client().get(job_id, connection=other)
    assert record is not None
    return record.state


def enqueued(dsn: str, queue: str, jobs: int = 1, **options: Any) -> list[int]:
    made = [note.job(text=HOSTILE, number=number).options(queue=queue, **options) for number in range(jobs)]
    with psycopg.connect(dsn) as other:
        return Client().enqueue_many(made, connection=other)


async def claimed(client: AnyClient, handle: Handle, queue: str, limit: int = 1) -> Any:
    return await client.call("claim", queue, limit=limit, lease=LEASE, connection=handle.connection)


async def test_a_claim_rolled_back_gives_the_jobs_back(route: Route, home: str, queue: str) -> None:
    (job_id,) = enqueued(home, queue)
    async with route.opened(home) as handle, handle.transaction(commits=False):
        lease = await claimed(route.client(), handle, queue)

    assert [delivery.id for delivery in lease] == [job_id]
    assert state(home, job_id) == "waiting"


async def test_a_delivery_says_the_same_through_every_route(route: Route, home: str, queue: str) -> None:
    timeout = timedelta(days=1, seconds=1, microseconds=5)
    (job_id,) = enqueued(home, queue, timeout=timeout, headers={"a": "ä"}, keep_result=True, priority=3)
    async with route.opened(home) as handle, handle.transaction():
        lease = await claimed(route.client(), handle, queue)

    (delivery,) = lease
    assert (delivery.claim, delivery.id, delivery.queue) == (lease.claim, job_id, queue)
    assert (delivery.attempt, delivery.last_attempt, delivery.priority) == (1, 3, 3)
    assert (delivery.timeout, delivery.keep_result) == (timeout, True)
    assert note.decode(delivery.payload) == {"text": HOSTILE, "number": 0}
    assert delivery.headers == '{"a": "ä"}'
    assert lease.expires_at - lease.claimed_at == LEASE
    assert abs(datetime.now(UTC) - delivery.visible_at) < timedelta(minutes=5)
    assert lease.claimed_at.tzinfo is UTC


async def test_nothing_due_is_an_empty_lease(route: Route, home: str, queue: str) -> None:
    async with route.opened(home) as handle, handle.transaction():
        lease = await claimed(route.client(), handle, queue)

    assert (lease.claim, len(lease), lease.expires_at) == (None, 0, None)


@pytest.mark.parametrize(("commits", "ending"), [(True, "succeeded"), (False, "running")])
async def test_finishing_follows_the_callers_transaction(
    route: Route, home: str, queue: str, commits: bool, ending: str
) -> None:
    (job_id,) = enqueued(home, queue)
    client = route.client()
    async with route.opened(home) as handle:
        async with handle.transaction():
            (delivery,) = await claimed(client, handle, queue)
        async with handle.transaction(commits=commits):
            await client.call("finish", delivery, connection=handle.connection)
            before = state(home, job_id)

    assert before == "running"
    assert state(home, job_id) == ending


async def test_one_of_a_batch_is_finished_alone(route: Route, home: str, queue: str) -> None:
    ids = enqueued(home, queue, 3)
    client = route.client()
    async with route.opened(home) as handle:
        async with handle.transaction():
            lease = await claimed(client, handle, queue, 3)
        async with handle.transaction():
            await client.call("finish", lease.deliveries[1], connection=handle.connection)

    assert [state(home, job_id) for job_id in ids] == ["running", "succeeded", "running"]


async def test_claim_effects_and_finish_are_one_transaction(route: Route, home: str, queue: str) -> None:
    ids = enqueued(home, queue, 3)
    client = route.client()
    async with route.opened(home) as handle, handle.transaction():
        lease = await claimed(client, handle, queue, 3)
        for delivery in lease:
            await client.call("finish", delivery, connection=handle.connection)
        during = [state(home, job_id) for job_id in ids]

    assert during == ["waiting"] * 3
    assert [state(home, job_id) for job_id in ids] == ["succeeded"] * 3


async def test_finishing_twice_is_a_lost_lease(route: Route, home: str, queue: str) -> None:
    enqueued(home, queue)
    client = route.client()
    async with route.opened(home) as handle:
        async with handle.transaction():
            (delivery,) = await claimed(client, handle, queue)
            await client.call("finish", delivery, connection=handle.connection)
        async with handle.transaction(commits=False):
            with pytest.raises(LeaseLost):
                await client.call("finish", delivery, connection=handle.connection)


RESULTS = ["a string", 'quo"ted', "", {"rows": [1, None, "ü%s"]}, None, 0, True, [1.5]]


async def test_a_result_comes_back_as_it_was(route: Route, home: str, queue: str) -> None:
    ids = enqueued(home, queue, len(RESULTS), keep_result=True)
    client = route.client()
    async with route.opened(home) as handle, handle.transaction():
        lease = await claimed(client, handle, queue, len(RESULTS))
        for delivery, result in zip(lease, RESULTS, strict=True):
            await client.call("finish", delivery, result=result, connection=handle.connection)
        inside = [await client.call("get", job_id, connection=handle.connection) for job_id in ids]

    assert [record.result for record in inside] == RESULTS
    assert {record.state for record in inside} == {"succeeded"}


async def test_the_whole_of_a_lease_is_finished_and_extended(route: Route, home: str, queue: str) -> None:
    ids = enqueued(home, queue, 3)
    client = route.client()
    async with route.opened(home) as handle, handle.transaction():
        lease = await claimed(client, handle, queue, 3)
        until = await client.call("extend", lease, timedelta(hours=1), connection=handle.connection)
        await client.call("finish_all", lease, connection=handle.connection)

    assert timedelta(minutes=59) < until - lease.claimed_at < timedelta(minutes=61)
    assert [state(home, job_id) for job_id in ids] == ["succeeded"] * 3


async def test_failing_burying_and_handing_back(route: Route, home: str, queue: str) -> None:
    ids = enqueued(home, queue, 3)
    client = route.client()
    later = timedelta(hours=30)
    async with route.opened(home) as handle, handle.transaction():
        first, second, third = await claimed(client, handle, queue, 3)
        await client.call("fail", first, ValueError("n%o"), delay=later, connection=handle.connection)
        await client.call("bury", second, ValueError("b\\ad"), connection=handle.connection)
        await client.call("hand_back", [third], connection=handle.connection)
        records = [await client.call("get", job_id, connection=handle.connection) for job_id in ids]
        letters = await client.call("dead_letters", queue=queue, connection=handle.connection)

    assert [record.state for record in records] == ["scheduled", "dead", "waiting"]
    assert records[0].attempts[0].error["message"] == "n%o"
    (letter,) = letters
    assert (letter.id, letter.error["message"], letter.payload["text"]) == (ids[1], "b\\ad", HOSTILE)
    assert letter.died_at.tzinfo is UTC


async def test_dead_letters_are_paged_put_back_and_purged(route: Route, home: str, queue: str) -> None:
    ids = enqueued(home, queue, 3)
    client = route.client()
    async with route.opened(home) as handle, handle.transaction():
        for delivery in await claimed(client, handle, queue, 3):
            await client.call("bury", delivery, "no", connection=handle.connection)
        (newest,) = await client.call("dead_letters", queue=queue, limit=1, connection=handle.connection)
        older = await client.call("dead_letters", queue=queue, before=newest, connection=handle.connection)
        back = await client.call("redrive", ids[:1], connection=handle.connection)
        gone = await client.call("purge", ids[1:], connection=handle.connection)

    assert {newest.id, *(letter.id for letter in older)} == set(ids)
    assert (back, sorted(gone)) == (ids[:1], ids[1:])
    assert state(home, ids[0]) == "waiting"
