"""Tests of the exporter on a real server, which comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from pgqueue import AsyncClient, Job
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.metrics.catalogue import INSTALLATION
from pgqueue.metrics.exporter import Exporter
from pgqueue.metrics.serving import serving
from pgqueue.migrate import upgrade
from tests.metrics.reading import Reading, named, read, scrape
from tests.waiting import PATIENCE_SECONDS, until

OFTEN = timedelta(milliseconds=20)
SEND = Job(queue="mail", task="send", payload="{}")


@asynccontextmanager
async def exporting(dsn: str, *, interval: timedelta = OFTEN) -> AsyncIterator[Exporter]:
    """An exporter at work in this loop."""
    exporter = Exporter(dsn, interval=interval)
    running = asyncio.create_task(exporter.run())
    try:
        yield exporter
    finally:
        exporter.stop()
        async with asyncio.timeout(PATIENCE_SECONDS):  # though its interval be an hour
            await running


async def reads(exporter: Exporter, question: Callable[[Reading], object]) -> Reading:
    """The first reading of which this is so."""

    def look() -> Reading | None:
        reading = read(exporter)
        return reading if question(reading) else None

    found: Reading = await until(look)
    return found


def waiting(reading: Reading) -> float | None:
    return reading("pgqueue_queue_jobs", queue="mail", state="waiting")


def is_up(reading: Reading) -> bool:
    return reading("pgqueue_up") == 1


async def test_it_tells_every_metric_of_the_catalogue(dsn: str) -> None:
    async with AsyncClient(dsn) as client, exporting(dsn) as exporter:
        await client.enqueue_many([SEND] * 3)
        reading = await reads(
            exporter, lambda now: now("pgqueue_queue_jobs", queue="mail", state="waiting") == 3
        )

    assert named(reading.names()) == named(metric.name for metric in INSTALLATION)
    assert reading("pgqueue_queue_jobs_estimated", queue="mail", state="waiting") == 0
    assert reading("pgqueue_queue_workers", queue="mail") == 0
    assert reading.label_values("queue") == {"mail"}


async def test_it_counts_what_is_enqueued_while_it_looks(dsn: str) -> None:
    async with exporting(dsn) as exporter:
        await reads(exporter, is_up)
        with psycopg.connect(dsn) as connection:  # its end hands in what it counted, at once
            connection.execute("select pgqueue.enqueue('mail', 'send') from generate_series(1, 5)")
        await reads(exporter, lambda now: now("pgqueue_jobs_enqueued_total") == 5)


async def test_it_tells_who_holds_the_horizon(dsn: str) -> None:
    async with exporting(dsn) as exporter:
        with psycopg.connect(dsn) as holder:
            holder.execute("select pg_current_xact_id()")
            await reads(exporter, lambda now: now("pgqueue_horizon_age_seconds", kind="transaction"))
        await reads(exporter, lambda now: now("pgqueue_horizon_age_seconds", kind="transaction") == 0)


async def test_it_holds_one_connection_whatever_is_scraped(dsn: str) -> None:
    async with exporting(dsn) as exporter:
        await reads(exporter, is_up)
        with serving(exporter, port=0) as port:
            readings = await asyncio.gather(*(asyncio.to_thread(scrape, port) for _ in range(5)))
        with psycopg.connect(dsn) as other:
            sessions = other.execute(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            ).fetchone()

    assert all(map(is_up, readings))
    assert sessions == (1,)


async def test_between_samples_a_scrape_asks_nothing(dsn: str) -> None:
    async with exporting(dsn, interval=timedelta(hours=1)) as exporter:
        first = await reads(exporter, is_up)
        async with AsyncClient(dsn) as client:
            await client.enqueue(SEND)
        second = read(exporter)

    assert waiting(second) is None
    assert second("pgqueue_sample_seconds") == first("pgqueue_sample_seconds")
    assert (second("pgqueue_sample_age_seconds") or 0) > (first("pgqueue_sample_age_seconds") or 0)


async def test_a_restart_of_the_server_is_told_and_survived() -> None:
    with EmbeddedPostgres(settings={"fsync": "off"}) as postgres:
        upgrade(postgres.dsn())
        async with exporting(postgres.dsn()) as exporter:
            await reads(exporter, is_up)
            await asyncio.to_thread(postgres.stop)
            down = await reads(exporter, lambda now: not is_up(now))
            await asyncio.to_thread(postgres.start)
            await reads(exporter, is_up)

    assert down.names() == {"pgqueue_up"}  # old numbers would be believed


async def test_a_database_without_pgqueue_is_down_until_it_is_there(
    bare_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with exporting(bare_dsn) as exporter:
        await until(lambda: "pgqueue migrate" in caplog.text)
        down = read(exporter)
        await asyncio.to_thread(upgrade, bare_dsn)
        await reads(exporter, is_up)

    assert down("pgqueue_up") == 0


async def test_a_dear_sample_is_taken_seldom(dsn: str) -> None:
    async with exporting(dsn) as exporter:
        await reads(exporter, is_up)
        assert exporter._sample is not None
        dear = exporter._sample.__class__({}, 0.0, 3.0)

        assert exporter._pause_seconds(dear) == 60
