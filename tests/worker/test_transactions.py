"""Tests of jobs finished in their handler's own transaction: effects and end commit together, or neither."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from pgqueue import AsyncClient, Fixed, JobRecord, LeaseLost, Task, current_job, task
from tests.waiting import until
from tests.worker.conftest import Look, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
AT_ONCE = Fixed(timedelta(0))
EFFECT = "insert into public.effects values (1)"
EFFECTS = "select count(*) from public.effects"
CLAIMS = "select count(*) from pgqueue.claims"


class Boom(Exception):
    pass


@pytest.fixture(autouse=True)
async def effects(async_connection: psycopg.AsyncConnection[Any]) -> None:
    """A table for what handlers do."""
    await async_connection.execute("create table public.effects (number integer)")


Finish = Callable[[bool], Any]
"""Makes an effect and finishes the job in one transaction; given True, fails before it commits."""


def by_psycopg(dsn: str) -> Finish:
    def finish(fails: bool) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(EFFECT)
            current_job().finish(connection, result="kept")
            refuse(fails)

    return finish


def by_sqlalchemy(dsn: str) -> Finish:
    def finish(fails: bool) -> None:
        engine = sqlalchemy.create_engine(dsn.replace("postgresql:", "postgresql+psycopg:"))
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(EFFECT)
                current_job().finish(connection, result="kept")
                refuse(fails)
        finally:
            engine.dispose()

    return finish


def by_async_psycopg(dsn: str) -> Finish:
    async def finish(fails: bool) -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await connection.execute(EFFECT)
            await current_job().finish_async(connection, result="kept")
            refuse(fails)

    return finish


def by_asyncpg(dsn: str) -> Finish:
    async def finish(fails: bool) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction():
                await connection.execute(EFFECT)
                await current_job().finish_async(connection, result="kept")
                refuse(fails)
        finally:
            await connection.close()

    return finish


def by_async_sqlalchemy(dsn: str) -> Finish:
    async def finish(fails: bool) -> None:
        engine = create_async_engine(dsn.replace("postgresql:", "postgresql+psycopg:"))
        try:
            async with engine.begin() as connection:
                await connection.exec_driver_sql(EFFECT)
                await current_job().finish_async(connection, result="kept")
                refuse(fails)
        finally:
            await engine.dispose()

    return finish


def refuse(fails: bool) -> None:
    if fails:
        raise Boom


DRIVERS = [by_psycopg, by_sqlalchemy, by_async_psycopg, by_asyncpg, by_async_sqlalchemy]


@pytest.fixture(params=DRIVERS, ids=lambda driver: driver.__name__.removeprefix("by_"))
def finish(request: pytest.FixtureRequest, dsn: str) -> Finish:
    made: Finish = request.param(dsn)
    return made


def using(finish: Finish, *, fails_in: int = 0, fails_after: bool = False) -> Task[[], object]:
    """A task that finishes itself so: fails before its commit in attempt `fails_in`, or always after it."""

    def run() -> object:
        return finish(current_job().attempt == fails_in)

    async def run_async() -> None:
        await finish(current_job().attempt == fails_in)
        refuse(fails_after)

    def run_and_fail() -> None:
        run()
        refuse(fails_after)

    handler = run_async if asyncio.iscoroutinefunction(finish) else run_and_fail
    made: Task[[], object] = task(name="work", backoff=AT_ONCE, keep_result=True)(handler)
    return made


async def test_effects_and_end_commit_together(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, finish: Finish
) -> None:
    work = using(finish)
    worker = run_worker(work)
    record = await ended(await client.enqueue(work.job()))
    await worker.stop()

    assert (record.state, record.result) == ("succeeded", "kept")
    assert await look(EFFECTS) == 1
    assert await look(CLAIMS) == 0
    assert (worker.counts.succeeded, worker.counts.lost) == (1, 0)


async def test_rolled_back_neither_is_there_and_the_job_is_tried_again(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, finish: Finish
) -> None:
    work = using(finish, fails_in=1)
    run_worker(work)
    record = await ended(await client.enqueue(work.job()))

    assert [attempt.state for attempt in record.attempts] == ["failed", "succeeded"]
    assert record.attempts[0].error is not None
    assert record.attempts[0].error["type"] == "Boom"
    assert await look(EFFECTS) == 1


async def test_a_handler_that_fails_after_it_has_committed_is_not_run_again(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, finish: Finish
) -> None:
    work = using(finish, fails_after=True)
    worker = run_worker(work)
    job = await client.enqueue(work.job())
    await until(lambda: worker.counts.succeeded)
    await worker.stop()
    record = await ended(job)

    assert [attempt.state for attempt in record.attempts] == ["succeeded"]
    assert await look(EFFECTS) == 1
    assert await look("select count(*) from pgqueue.waiting") == 0
    assert await look(CLAIMS) == 0


async def test_a_handler_that_rolls_back_and_returns_has_failed(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, dsn: str
) -> None:
    @task(backoff=AT_ONCE)
    def swallow() -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(EFFECT)
            current_job().finish(connection)
            if current_job().attempt == 1:
                connection.rollback()

    run_worker(swallow)
    record = await ended(await client.enqueue(swallow.job()))

    assert [attempt.state for attempt in record.attempts] == ["failed", "succeeded"]
    assert record.attempts[0].error is not None
    assert record.attempts[0].error["type"] == "RolledBack"
    assert await look(EFFECTS) == 1


async def test_a_job_is_finished_once(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str
) -> None:
    seen: list[Exception] = []

    @task
    def twice() -> None:
        with psycopg.connect(dsn) as connection:
            current_job().finish(connection)
        try:
            with psycopg.connect(dsn) as connection:
                current_job().finish(connection)
        except LeaseLost as error:
            seen.append(error)

    run_worker(twice)
    record = await ended(await client.enqueue(twice.job()))
    await until(lambda: seen)

    assert record.state == "succeeded"


async def test_under_a_lost_lease_a_handler_cannot_finish(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, dsn: str
) -> None:
    @task
    async def slow() -> None:
        if current_job().attempt == 1:
            await look("update pgqueue.claims set expires_at = pgqueue.now() - interval '1 s' returning id")
            await look("select pgqueue.reap()")
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await connection.execute(EFFECT)
            await current_job().finish_async(connection)

    run_worker(slow)
    record = await ended(await client.enqueue(slow.job()))

    assert [attempt.state for attempt in record.attempts] == ["expired", "succeeded"]
    assert await look(EFFECTS) == 1


@asynccontextmanager
async def left_open(dsn: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection whose transaction outlives its handler."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        yield connection


@pytest.mark.parametrize("siblings", [0, 20])
async def test_a_transaction_left_open_keeps_no_other_job_waiting(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str, siblings: int
) -> None:
    async with left_open(dsn) as connection:

        @task(name="work", backoff=AT_ONCE)
        async def work(leaves_open: bool) -> None:
            if leaves_open:
                await connection.execute(EFFECT)
                await current_job().finish_async(connection)

        jobs = await client.enqueue_many(work.job(leaves_open=False) for _ in range(siblings))
        left = await client.enqueue(work.job(leaves_open=True))
        worker = run_worker(work)
        await until(lambda: worker.counts.succeeded == siblings + 1)
        others = await client.enqueue_many(work.job(leaves_open=False) for _ in range(20))
        states = [(await ended(job)).state for job in [*jobs, *others]]
        meanwhile = await client.get(left)
        await connection.commit()
        record = await ended(left)
        await worker.stop()

    assert set(states) == {"succeeded"}
    assert meanwhile is not None
    assert meanwhile.state == "running"
    assert [attempt.state for attempt in record.attempts] == ["succeeded"]


async def test_finishing_a_job_itself_is_no_reason_for_a_warning(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    work = using(by_async_psycopg(dsn))
    worker = run_worker(work)
    with caplog.at_level(logging.WARNING, logger="pgqueue.worker"):
        await ended(await client.enqueue(work.job()))
        await worker.stop()

    assert [record.message for record in caplog.records if "lost" in record.message] == []
