"""Enqueueing one job through every route: it lives and dies with the caller's transaction."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from pgqueue import Client, JobRecord
from tests.drivers.route import Route
from tests.drivers.tasks import HOSTILE, note


def found(dsn: str, job_id: int) -> JobRecord | None:
    """The job as somebody else sees it."""
    with psycopg.connect(dsn) as other:
        return Client().get(job_id, connection=other)


async def test_a_commit_makes_the_job_visible(route: Route, home: str, queue: str) -> None:
    async with route.opened(home) as handle:
        async with handle.transaction():
            job_id = await route.client().enqueue(
                note.job(text=HOSTILE), queue=queue, connection=handle.connection
            )
            before = found(home, job_id)
        after = found(home, job_id)

    assert before is None
    assert after is not None
    assert (after.state, after.queue, after.payload) == ("waiting", queue, {"text": HOSTILE})


async def test_a_rollback_leaves_nothing(route: Route, home: str, queue: str) -> None:
    async with route.opened(home) as handle, handle.transaction(commits=False):
        job_id = await route.client().enqueue(note.job(text="x"), queue=queue, connection=handle.connection)

    assert found(home, job_id) is None


async def test_a_savepoint_rolled_back_takes_only_its_own_jobs(route: Route, home: str, queue: str) -> None:
    client = route.client()
    async with route.opened(home) as handle, handle.transaction():
        kept = await client.enqueue(note.job(text="a"), queue=queue, connection=handle.connection)
        async with handle.savepoint():
            lost = await client.enqueue(note.job(text="b"), queue=queue, connection=handle.connection)
        also_kept = await client.enqueue(note.job(text="c"), queue=queue, connection=handle.connection)

    assert [found(home, job) is not None for job in (kept, lost, also_kept)] == [True, False, True]


async def test_in_autocommit_the_job_is_there_at_once(route: Route, home: str, queue: str) -> None:
    async with route.opened_autocommit(home) as handle:
        job_id = await route.client().enqueue(note.job(text="x"), queue=queue, connection=handle.connection)
        seen = found(home, job_id)

    assert seen is not None


async def test_every_option_arrives(route: Route, home: str, queue: str) -> None:
    run_at = datetime(2031, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC)
    headers = {"tenant": "Ö'\"\\%s", "trace": "00-1"}
    timeout = timedelta(days=2, seconds=3, microseconds=4)
    async with route.opened(home) as handle, handle.transaction():
        job_id = await route.client().enqueue(
            note.job(text="x", number=7),
            queue=queue,
            priority=2,
            max_attempts=9,
            run_at=run_at,
            timeout=timeout,
            headers=headers,
            keep_result=True,
            connection=handle.connection,
        )

    record = found(home, job_id)
    assert record is not None
    assert (record.queue, record.priority, record.max_attempts) == (queue, 2, 9)
    assert (record.state, record.run_at, record.headers) == ("scheduled", run_at, headers)
    assert stored(home, job_id) == (timeout, True)


@pytest.mark.parametrize("days", [120, 240])
async def test_a_delay_is_time_elapsed_whatever_the_sessions_clocks_do(
    route: Route, home: str, queue: str, days: int
) -> None:
    delay = timedelta(days=days, seconds=1, microseconds=7)
    async with route.opened(home) as handle, handle.transaction():
        job_id = await route.client().enqueue(
            note.job(text="x"), queue=queue, delay=delay, connection=handle.connection
        )

    record = found(home, job_id)
    assert record is not None
    assert record.run_at is not None
    assert abs(record.run_at - record.enqueued_at - delay) < timedelta(minutes=1)


async def test_the_job_reads_the_same_through_the_route(route: Route, home: str, queue: str) -> None:
    client = route.client()
    async with route.opened(home) as handle, handle.transaction():
        job_id = await client.enqueue(
            note.job(text=HOSTILE), queue=queue, headers={"a": "b"}, connection=handle.connection
        )
        inside = await client.call("get", job_id, connection=handle.connection)

    assert inside == found(home, job_id)


def stored(dsn: str, job_id: int) -> tuple[timedelta | None, bool]:
    """What a claim will say and a record does not."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "select timeout, keep_result from pgqueue.bodies where id = %s", [job_id]
        ).fetchone()
    assert row is not None
    return row[0], row[1]
