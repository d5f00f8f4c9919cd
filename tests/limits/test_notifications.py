"""Tests of a full queue of notifications: words are hints, and no call fails for want of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, task
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade
from tests.waiting import PATIENCE_SECONDS
from tests.worker.conftest import RunWorker


@task(name="note")
async def note() -> None: ...


@pytest.fixture
def small_queue_dsn() -> Iterator[str]:
    """A server that keeps few notifications for those who do not read them."""
    with EmbeddedPostgres(settings={"fsync": "off", "max_notify_queue_pages": "64"}) as postgres:
        upgrade(postgres.dsn())
        yield postgres.dsn()


@contextmanager
def full(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody listens and does not read, for his transaction stays open."""
    with psycopg.connect(dsn) as deaf, psycopg.connect(dsn, autocommit=True) as speaker:
        deaf.execute("listen anything")
        deaf.commit()
        deaf.execute("select")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            notify(speaker, times=1000)
        yield deaf


def notify(speaker: psycopg.Connection[Any], *, times: int) -> None:
    for number in range(times):
        speaker.execute("select pg_notify('other', %s)", [f"{number:07900d}"])


async def test_enqueues_and_workers_go_on_while_notifications_cannot(
    small_queue_dsn: str, run_worker: RunWorker
) -> None:
    worker = run_worker(note, dsn=small_queue_dsn, settings={"poll": timedelta(seconds=1)})
    await worker.asleep()
    async with AsyncClient(small_queue_dsn) as client:
        with full(small_queue_dsn):
            job = await client.enqueue(note.job())
            record = await client.wait(job, timeout=timedelta(seconds=PATIENCE_SECONDS))
            later = await client.enqueue(note.job(), delay=timedelta(hours=1))
            cancelled = await client.cancel(later)
            await client.pause("default")
            await client.resume("default")

    assert record.state == "succeeded"
    assert cancelled == "scheduled"
    assert not worker.has_ended
