"""Tests of a full disk: a clear error, nothing half done, and all goes on once there is space again."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from pgqueue import AsyncClient, Client, NoConnection, current_job, task
from pgqueue.embedded import EmbeddedPostgres, EmbeddedUnavailable
from pgqueue.migrate import upgrade
from tests.limits.disk import SmallDisk, run, small_disk
from tests.waiting import until
from tests.worker.conftest import RunWorker

PATIENCE = timedelta(seconds=60)
COUNTS = "select (select count(*) from pgqueue.bodies), (select count(*) from pgqueue.waiting)"


def noise(characters: int) -> str:
    """What no compression makes smaller."""
    return random.randbytes(characters // 2).hex()


@task(name="note")
async def note(text: str) -> int:
    return len(text)


@pytest.fixture(scope="module")
def tables_on_small_disk() -> Iterator[tuple[SmallDisk, str]]:
    """A database whose tables lie on a small disk; the server's log of changes does not."""
    with small_disk(96) as disk, EmbeddedPostgres(settings={"fsync": "off"}) as postgres:
        folder = disk.folder("tables")
        with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
            admin.execute(f"create tablespace small location '{folder}'")
            admin.execute("create database small tablespace small template template0")
        upgrade(postgres.dsn("small"))
        yield disk, postgres.dsn("small")


@pytest.fixture
def disk(tables_on_small_disk: tuple[SmallDisk, str]) -> Iterator[SmallDisk]:
    yield tables_on_small_disk[0]
    tables_on_small_disk[0].free()


@pytest.fixture
def small_dsn(tables_on_small_disk: tuple[SmallDisk, str]) -> str:
    return tables_on_small_disk[1]


def enqueue_until_it_fails(client: Client, accepted: list[int]) -> None:
    """What was accepted before stays in `accepted`."""
    accepted.extend(client.enqueue(note.job(text=noise(20_000)), queue="filling") for _ in range(2000))


def test_an_enqueue_without_space_says_so_and_leaves_nothing(disk: SmallDisk, small_dsn: str) -> None:
    accepted: list[int] = []
    disk.fill()
    with Client(small_dsn) as client, psycopg.connect(small_dsn, autocommit=True) as connection:
        before = connection.execute(COUNTS).fetchone() or ()
        with pytest.raises(errors.DiskFull) as caught:
            enqueue_until_it_fails(client, accepted)
        after = connection.execute(COUNTS).fetchone() or ()
        disk.free()
        client.enqueue(note.job(text=noise(20_000)), queue="filling")

        assert "Free space" in caught.value.__notes__[0]
        assert after == tuple(count + len(accepted) for count in before)


async def test_a_worker_without_space_keeps_what_it_holds_and_tells_it_later(
    disk: SmallDisk, small_dsn: str, run_worker: RunWorker
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(name="work", keep_result=True)
    async def work(number: int) -> str:
        if number == 19:
            began.set()
        await go.wait()
        return f"{current_job().attempt}{noise(50_000)}"

    worker = run_worker(work, dsn=small_dsn, settings={"concurrency": 20})
    async with AsyncClient(small_dsn) as client:
        jobs = await client.enqueue_many(work.job(number=number) for number in range(20))
        await began.wait()
        disk.fill()
        go.set()
        await until(lambda: worker.worker._pump._refusals)
        refused_while_full = worker.worker._pump._refusals
        disk.free()
        records = [await client.wait(job, timeout=PATIENCE) for job in jobs]
        after = await client.wait(await client.enqueue(work.job(number=0)), timeout=PATIENCE)

    assert refused_while_full
    assert {(record.state, record.attempt) for record in [*records, after]} == {("succeeded", 1)}
    assert worker.counts.lost == 0


@pytest.fixture
def log_on_small_disk() -> Iterator[tuple[SmallDisk, EmbeddedPostgres]]:
    """A server whose log of changes lies on a small disk: full, the server itself gives up."""
    settings = {"fsync": "off", "max_wal_size": "32MB", "min_wal_size": "32MB", "wal_recycle": "off"}
    with small_disk(80) as disk, EmbeddedPostgres(settings=settings) as postgres:
        upgrade(postgres.dsn())
        postgres.stop()
        move_log(postgres.data, disk.folder("log"))
        postgres.start()
        yield disk, postgres
        disk.free()


def move_log(data: Path, target: Path) -> None:
    log = data / "pg_wal"
    moved = run("cp", "--archive", f"{log}/.", str(target))
    assert moved.returncode == 0, moved.stderr
    assert run("rm", "-r", str(log)).returncode == 0
    log.symlink_to(target)


async def test_a_server_that_gave_up_for_want_of_space_is_started_again_and_nothing_else(
    log_on_small_disk: tuple[SmallDisk, EmbeddedPostgres], run_worker: RunWorker
) -> None:
    disk, postgres = log_on_small_disk
    accepted: list[int] = []
    worker = run_worker(note, queues=["filling"], dsn=postgres.dsn())
    await worker.asleep()
    with Client(postgres.dsn(), connection_timeout=timedelta(seconds=1)) as client:
        disk.fill()
        with pytest.raises((psycopg.Error, NoConnection)):
            await asyncio.to_thread(enqueue_until_it_fails, client, accepted)
        disk.free()
        await asyncio.to_thread(start_again, postgres)
        late = await until(lambda: asyncio.to_thread(enqueue_if_possible, client))
        async with AsyncClient(postgres.dsn()) as watching:
            records = [await watching.wait(job, timeout=PATIENCE) for job in [*accepted, late]]

    assert "No space left on device" in (postgres.data / "server.log").read_text()
    assert {record.state for record in records} == {"succeeded"}
    assert not worker.has_ended


def start_again(postgres: EmbeddedPostgres) -> None:
    """Where it restarts by itself, that is only hurried."""
    try:
        postgres.restart("immediate")
    except EmbeddedUnavailable:
        postgres.restart("immediate")


def enqueue_if_possible(client: Client) -> int | None:
    try:
        return client.enqueue(note.job(text="late"), queue="filling")
    except (psycopg.Error, NoConnection):
        return None
