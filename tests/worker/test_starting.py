"""Tests of how a worker starts: on the right schema, through a pooler or without notifications."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import psycopg
import pytest

from pgqueue import AsyncClient, JobRecord, NotInstalled, SchemaMismatch, Worker, task
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import Look, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]


@task(name="quick")
async def quick() -> None: ...


async def start(dsn: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await Worker(dsn, [quick], ["default"]).run()


async def test_without_our_schema_it_refuses_and_names_the_command(bare_dsn: str) -> None:
    with pytest.raises(NotInstalled, match="pgqueue migrate"):
        await start(bare_dsn)


@pytest.mark.parametrize("revision", ["0000", "9999"], ids=["older", "newer"])
async def test_on_another_schema_it_refuses_and_names_the_command(
    dsn: str, revision: str, look: Look
) -> None:
    await look("update pgqueue.alembic_version set version_num = %s returning 1", revision)

    with pytest.raises(SchemaMismatch, match=r"pgqueue migrate|upgrade"):
        await start(dsn)


async def test_with_functions_of_another_release_it_warns_and_works(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, caplog: pytest.LogCaptureFixture
) -> None:
    await look("update pgqueue.installation set functions_digest = 'another' returning 1")
    with caplog.at_level(logging.WARNING):
        run_worker(quick)
        record = await ended(await client.enqueue(quick.job()))

    assert record.state == "succeeded"
    assert "run `pgqueue migrate`" in caplog.text


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(psycopg.OperationalError):
        await start("host=/nowhere")


async def test_a_schema_that_changes_under_a_worker_ends_it_with_a_clear_error(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick)
    await ended(await client.enqueue(quick.job()))
    await look("update pgqueue.alembic_version set version_num = '9999' returning 1")
    await look("select pg_terminate_backend(%s)", worker.worker._connections.line.backend_pid)

    with pytest.raises(SchemaMismatch):
        await worker.ended()


async def test_a_direct_connection_for_the_watch_wakes_and_keeps_it_alive(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, dsn: str
) -> None:
    pooled = f"{dsn}&application_name=pooled"
    worker = run_worker(quick, dsn=pooled, watch_dsn=dsn)
    await worker.asleep()
    record = await ended(await client.enqueue(quick.job()))
    missed = await look("select count(*) from pgqueue.absent_workers(0)")
    locks_on_the_line = await look(
        "select count(*) from pg_locks where locktype = 'advisory' and pid = %s",
        worker.worker._connections.line.backend_pid,
    )
    await worker.stop()

    assert record.state == "succeeded"
    assert (missed, locks_on_the_line) == (0, 0)
    assert await look("select count(*) from pgqueue.workers") == 0


async def test_a_lost_direct_connection_does_not_stop_the_work(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, dsn: str
) -> None:
    pooled = f"{dsn}&application_name=pooled"
    worker = run_worker(quick, dsn=pooled, watch_dsn=dsn, settings={"poll": timedelta(milliseconds=100)})
    await worker.asleep()
    guard = worker.worker._connections.guard
    assert guard is not None
    guard.dsn = "host=/nowhere"
    await look("select pg_terminate_backend(%s)", guard.backend_pid)
    await until(lambda: not worker.worker._sentry.has_guard)
    meanwhile = await ended(await client.enqueue(quick.job()))
    locks_on_the_line = await look(
        "select count(*) from pg_locks where locktype = 'advisory' and pid = %s",
        worker.worker._connections.line.backend_pid,
    )
    guard.dsn = dsn
    await worker.asleep()
    afterwards = await ended(await client.enqueue(quick.job()))

    assert meanwhile.state == afterwards.state == "succeeded"
    assert locks_on_the_line == 0


async def test_a_worker_that_only_polls_leaves_no_trace_of_a_session(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick, poll_only=True, settings={"poll": timedelta(milliseconds=50)})
    await ended(await client.enqueue(quick.job()))

    assert await look("select count(*) from pgqueue.workers") == 0
    await worker.stop()


async def test_without_prepared_statements_it_works_too(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick, prepare=False)
    await worker.asleep()

    assert (await ended(await client.enqueue(quick.job()))).state == "succeeded"
