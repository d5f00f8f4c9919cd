"""Tests of asking for the stats again and again."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, Client, Job
from pgqueue.stats import Sampler, Stats
from tests.worker.deliveries import Clock

SEND = Job(queue="mail", task="send", payload="{}")


def sample(client: Client, sampler: Sampler) -> Stats:
    """One sample, in a transaction of its own."""
    return sampler.learn(client._database.run_each(sampler.ask()))


def waiting(stats: Stats) -> dict[str, int]:
    """How many wait in each queue."""
    return {queue.queue: queue.waiting for queue in stats.queues}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_client_tells_what_is_there(dsn: str) -> None:
    with Client(dsn) as client:
        client.enqueue_many([SEND] * 3)
        stats = client.stats()

    (queue,) = stats.queues
    assert (queue.queue, queue.waiting, queue.is_exact) == ("mail", 3, True)
    assert queue.oldest_age is not None
    assert queue.oldest_age >= timedelta(0)
    assert "ready" in {relation.relation for relation in stats.relations}


async def test_both_clients_tell_the_same(dsn: str) -> None:
    async with AsyncClient(dsn) as client:
        await client.enqueue(SEND)
        stats = await client.stats()

    assert waiting(stats) == {"mail": 1}


def test_it_works_in_the_callers_transaction(dsn: str, connection: psycopg.Connection[Any]) -> None:
    with Client(dsn) as client, connection.transaction():
        client.enqueue(SEND, connection=connection)

        assert waiting(client.stats(connection=connection)) == {"mail": 1}
        assert waiting(client.stats()) == {}


def test_what_comes_and_goes_is_seen_by_the_next_sample(dsn: str, clock: Clock) -> None:
    sampler = Sampler(clock=clock)
    told = []
    with Client(dsn) as client:
        for _ in range(3):
            client.enqueue_many([SEND, SEND])
            told.append(waiting(sample(client, sampler)))
            client.claim("mail")

    assert told == [{"mail": 2}, {"mail": 3}, {"mail": 4}]


def test_what_committed_late_is_seen_by_a_sweep(dsn: str, clock: Clock) -> None:
    sampler = Sampler(clock=clock)
    late = "update pgqueue.ready set visible_at = visible_at - interval '1 hour'"
    with Client(dsn) as client, psycopg.connect(dsn, autocommit=True) as other:
        client.enqueue(SEND)
        sample(client, sampler)
        other.execute(late)
        soon = waiting(sample(client, sampler))
        clock.advance(31)
        later = waiting(sample(client, sampler))

    assert (soon, later) == ({"mail": 0}, {"mail": 1})


def test_a_sweep_that_is_dear_is_made_seldom(dsn: str, clock: Clock) -> None:
    sampler = Sampler(clock=clock)
    with Client(dsn) as client:
        client.enqueue(SEND)
        for _ in range(2):
            clock.advance(31)
            calls = sampler.ask()
            clock.advance(31)  # so long it took
            sampler.learn(client._database.run_each(calls))
        clock.advance(31)
        known = sampler.ask()[0].values[0]

    assert known == ["mail"]
