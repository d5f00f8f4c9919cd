"""Tests that what a sealed task's jobs carry, return and fail with is nowhere to be read in the database."""

import logging
import secrets
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from pgqueue import AsyncClient, JobRecord, Keyring, current_job, task
from tests.waiting import until
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
RING = Keyring({"one": secrets.token_bytes(32)})
SECRET = "4242-4242"
READABLE = """
select string_agg(row_to_json(everything)::text, ' ')
from (
    select job_id, to_jsonb(outcomes) from pgqueue.outcomes
    union all select job_id, to_jsonb(dead_letters) from pgqueue.dead_letters
    union all select id, to_jsonb(jobs) from pgqueue.jobs
) as everything
"""


@task(name="echo", keyring=RING, keep_result=True, max_attempts=1)
async def echo(card: str) -> str:
    """Return what it was given."""
    return f"charged {card}"


@task(name="decline", keyring=RING, max_attempts=1)
async def decline(card: str) -> None:
    """Fail, and say with what."""
    raise ValueError(f"no money on {card}")


def readable(dsn: str) -> str:
    """All that is stored of jobs, as text."""
    with psycopg.connect(dsn) as connection:
        (text,) = connection.execute(READABLE).fetchone() or ("",)
        return str(text)


async def test_a_result_is_sealed_and_opens_for_its_task(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str
) -> None:
    run_worker(echo)
    record = await ended(await client.enqueue(echo.job(card=SECRET)))

    assert SECRET not in readable(dsn)
    assert SECRET not in str(record)
    opened = echo.opened(record)
    assert (opened.result, opened.payload) == (f"charged {SECRET}", {"card": SECRET})


async def test_an_error_is_sealed_but_for_its_class(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="pgqueue"):
        run_worker(decline)
        record = await ended(await client.enqueue(decline.job(card=SECRET)))

    assert SECRET not in readable(dsn)
    assert SECRET not in caplog.text
    (letter,) = await client.dead_letters(error_type="ValueError")
    opened = decline.opened(letter)
    assert opened.error is not None
    assert opened.error["message"] == f"no money on {SECRET}"
    assert SECRET in str(opened.attempts[0].error)
    assert decline.opened(record).payload == {"card": SECRET}


async def test_a_result_given_with_the_handlers_own_transaction_is_sealed(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str
) -> None:
    @task(name="finish", keyring=RING, keep_result=True)
    async def finish(card: str) -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await current_job().finish_async(connection, result=card)

    run_worker(finish)
    record = await ended(await client.enqueue(finish.job(card=SECRET)))

    assert SECRET not in readable(dsn)
    assert finish.opened(record).result == SECRET


async def test_a_worker_without_the_key_leaves_the_job_to_one_that_has_it(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    bare = task(name="echo", keep_result=True)(echo.function)
    without = run_worker(bare)
    job = await client.enqueue(echo.job(card=SECRET), max_attempts=5)
    await until(lambda: without.counts.retried)
    await without.stop()

    run_worker(echo)
    record = echo.opened(await ended(job))

    assert record.result == f"charged {SECRET}"
    assert record.attempts[0].error is not None
    assert record.attempts[0].error["type"] == "UnknownKey"
