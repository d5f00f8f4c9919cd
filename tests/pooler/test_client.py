"""Tests of clients behind a PgBouncer that pools transactions: a session there belongs to nobody."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pgqueue import AsyncClient, Client, task
from tests.waiting import until
from tests.worker.conftest import Look, RunWorker


@task(name="quick")
def quick(number: int) -> None: ...


@pytest.fixture(params=[True, False], ids=["left to us", "told"])
def client(pooled: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Whether to prepare statements is found out, where nobody says so."""
    with Client(pooled, prepare=request.param) as client:
        yield client


def test_everything_a_client_does_works(client: Client) -> None:
    for number in range(10):  # often enough for statements to be prepared
        client.enqueue(quick.job(number=number))
    client.enqueue_many(quick.job(number=number) for number in range(10, 3000))
    for _ in range(10):
        first, *others = client.claim("default", limit=100)
        client.finish(first)
        client.fail(others[0], "no luck")
        client.hand_back(others[1:])

    record = client.get(first.id)

    assert record is not None
    assert record.state == "succeeded"


def test_statements_of_clients_that_share_server_connections_are_not_mixed_up(pooled: str) -> None:
    """Each numbers its prepared statements from nought: the same name is another statement to another."""

    def pause_and_resume(number: int) -> int:
        with Client(pooled, pool_size=1) as client:
            for _ in range(20):
                client.pause(f"never {number}")
                client.resume(f"never {number}")
        return 0

    def enqueue(number: int) -> int:
        with Client(pooled, pool_size=1) as client:
            return len({client.enqueue(quick.job(number=number), queue=f"queue {number}") for _ in range(40)})

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(enqueue, range(4)))
        made += threads.map(pause_and_resume, range(4))

    assert made == [40] * 4 + [0] * 4


def test_what_does_not_wait_for_the_disk_is_no_setting_of_somebody_elses_session(
    pooled: str, connection: psycopg.Connection
) -> None:
    with Client(pooled, durable_finishes=False) as client:
        for number in range(5):
            client.enqueue(quick.job(number=number))
            client.finish_all(client.claim("default"))

    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as stranger:
        settings = stranger.execute("select current_setting('synchronous_commit')").fetchall()

    assert settings == [("on",)]


async def test_an_enqueue_through_the_pooler_rings_for_a_worker_that_has_a_session(
    pooled: str, dsn: str, run_worker: RunWorker, look: Look
) -> None:
    worker = run_worker(quick)
    await worker.asleep()
    async with AsyncClient(pooled) as client:
        job = await client.enqueue(quick.job(number=1))
        await until(lambda: look("select count(*) from pgqueue.attempts where job_id = %s", job))
