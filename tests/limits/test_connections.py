"""Tests of a server, a role or a pool that has no connection left: a clear error, and recovery by itself."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest

from pgqueue import AsyncClient, Client, NoConnection, current_job, task
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import RunWorker

SOON = timedelta(seconds=2)


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


@pytest.fixture(scope="module")
def narrow_dsn() -> Iterator[str]:
    """A server with few connections, three of them for superusers, and one who is none."""
    settings = {"fsync": "off", "max_connections": "12", "superuser_reserved_connections": "3"}
    with EmbeddedPostgres(settings=settings) as postgres:
        upgrade(postgres.dsn())
        with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
            connection.execute("create role app login in role pgqueue_admin")
        yield postgres.dsn().replace("postgres@", "app@", 1)


def fill(dsn: str, stack: ExitStack) -> None:
    """Take every connection there is."""
    while True:
        try:
            stack.enter_context(psycopg.connect(dsn))
        except psycopg.OperationalError:
            return


async def test_a_call_that_finds_no_connection_says_so_and_works_once_there_is_one(
    narrow_dsn: str,
) -> None:
    with ExitStack() as others:
        fill(narrow_dsn, others)
        full = pytest.raises(NoConnection, match=r"2 s .*(too many clients|reserved).*max_connections")
        with Client(narrow_dsn, connection_timeout=SOON) as client, full:
            client.enqueue(quick.job())
        async with AsyncClient(narrow_dsn, connection_timeout=SOON) as async_client:
            with pytest.raises(NoConnection, match=r"too many clients|reserved") as caught:
                await async_client.enqueue(quick.job())
            others.close()
            job = await until(lambda: retried(async_client))

            assert isinstance(caught.value.__cause__, psycopg.OperationalError)
            record = await async_client.get(job)
            assert record is not None
            assert record.state == "waiting"


async def retried(client: AsyncClient) -> int | None:
    try:
        return await client.enqueue(quick.job())
    except NoConnection:
        return None


async def test_a_call_waits_through_a_shortage(narrow_dsn: str) -> None:
    with ExitStack() as others, Client(narrow_dsn, connection_timeout=timedelta(seconds=60)) as client:
        fill(narrow_dsn, others)
        call = asyncio.create_task(asyncio.to_thread(client.enqueue, quick.job()))
        await until(lambda: client._database._pool and client._database._pool._trouble.last)
        others.close()

        assert await call


async def test_a_worker_waits_for_connections_and_goes_on_by_itself(
    narrow_dsn: str, run_worker: RunWorker
) -> None:
    with psycopg.connect(narrow_dsn.replace("app@", "postgres@", 1), autocommit=True) as admin:
        worker = run_worker(quick, dsn=narrow_dsn)
        await worker.asleep()
        job = admin.execute("select pgqueue.enqueue('default', 'quick', keep_result => true)").fetchone()
        async with AsyncClient(narrow_dsn, pool_size=1) as client:
            assert job is not None
            await client.wait(job[0], timeout=timedelta(seconds=PATIENCE_SECONDS))
        with ExitStack() as others:
            admin.execute("alter role app connection limit 0")
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'")
            await until(lambda: not worker.worker._connections.line.is_connected)
            fill(narrow_dsn, others)
            late = admin.execute("select pgqueue.enqueue('default', 'quick', keep_result => true)").fetchone()
        admin.execute("alter role app connection limit -1")
        async with AsyncClient(narrow_dsn, pool_size=1) as client:
            assert late is not None
            record = await client.wait(late[0], timeout=timedelta(seconds=PATIENCE_SECONDS))

    assert (record.state, record.result) == ("succeeded", 1)


def test_a_pool_whose_connections_are_all_in_use_says_so(dsn: str) -> None:
    with Client(dsn, pool_size=2, connection_timeout=SOON) as client:
        database = client._database
        all_in_use = pytest.raises(NoConnection, match=r"2 s.*all 2 .*\(pool_size\).*connection_timeout")
        with database.connection(), database.connection(), all_in_use:
            client.enqueue(quick.job())

        assert client.enqueue(quick.job())


def test_a_call_waits_for_its_turn_in_the_pool(dsn: str) -> None:
    jobs: list[int] = []
    with Client(dsn, pool_size=1) as client:
        with client._database.connection():
            waiting = threading.Thread(target=lambda: jobs.append(client.enqueue(quick.job())))
            waiting.start()
        waiting.join(PATIENCE_SECONDS)

        assert client.get(jobs[0]) is not None


async def test_after_a_restart_of_the_server_the_first_call_already_works(
    dsn: str, connection: psycopg.Connection
) -> None:
    with Client(dsn, pool_size=3) as client:
        async with AsyncClient(dsn, pool_size=3) as async_client:
            with client._database.connection(), client._database.connection():
                client.enqueue(quick.job())
            await async_client.enqueue(quick.job())
            ended = connection.execute(
                "select pg_terminate_backend(pid, 20000) from pg_stat_activity"
                " where application_name = 'pgqueue' and datname = current_database()"
            ).fetchall()

            assert len(ended) == 4
            assert client.enqueue(quick.job())
            assert await async_client.enqueue(quick.job())
