"""Enqueueing thousands through every route: all of them or none, whatever the options, whoever commits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, Client, InvalidJob, Job, bulk
from tests.drivers.route import AnyClient, Route
from tests.drivers.tasks import HOSTILE, note

JOBS = 260  # three statements, with the small chunks below
MANY = 2_600  # three statements as they really are
RUN_AT = datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements of a hundred jobs, so that a few hundred take several."""
    monkeypatch.setattr(bulk, "CHUNK_JOBS", 100)


def mixed(queue: str) -> Iterator[Job]:
    """Jobs that differ in every option, None among the values of each."""
    for number in range(MANY):
        yield note.job(text=f"{number} {HOSTILE}", number=number).options(
            queue=queue,
            priority=number % 10,
            max_attempts=1 + number % 7,
            delay=timedelta(hours=1 + number) if number % 3 == 1 else None,
            run_at=RUN_AT + timedelta(seconds=number) if number % 3 == 2 else None,
            timeout=timedelta(seconds=number) if number % 2 else None,
            headers={"number": f"{number}%'\\"} if number % 5 else None,
            keep_result=bool(number % 4),
        )


def plain(queue: str, count: int = JOBS) -> Iterator[Job]:
    for number in range(count):
        yield note.job(text="x", number=number).options(queue=queue)


def broken(queue: str) -> Iterator[Job]:
    """Fails in our own hands, when most have been sent."""
    yield from plain(queue)
    raise RuntimeError("the source ran dry")


def refused(queue: str) -> Iterator[Job]:
    """Fails at the server, when most have been sent: its payload is no object."""
    yield from plain(queue)
    yield Job(task="drivers.note", payload="[]", queue=queue)


def count(dsn: str, queue: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "select (select count(*) from pgqueue.bodies where queue = %(q)s),"
            " (select count(*) from pgqueue.waiting where queue = %(q)s)",
            {"q": queue},
        ).fetchone()
    assert row is not None
    assert row[0] == row[1]
    return int(row[0])


def rows(dsn: str, queue: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "select id, payload ->> 'text', (payload ->> 'number')::int, priority, max_attempts, run_at,"
            " timeout, headers, keep_result, task, pgqueue.moment_of(id)"
            " from pgqueue.bodies where queue = %s order by (payload ->> 'number')::int",
            [queue],
        ).fetchall()


@pytest.mark.usefixtures("small_chunks")
async def test_many_are_visible_with_the_commit_and_not_before(route: Route, home: str, queue: str) -> None:
    client = route.client(home)
    async with route.opened(home) as handle:
        async with handle.transaction():
            ids = await client.call("enqueue_many", plain(queue), connection=handle.connection)
            before = count(home, queue)
        after = count(home, queue)
    await client.call("close")

    assert (before, after, len(set(ids))) == (0, JOBS, JOBS)


@pytest.mark.usefixtures("small_chunks")
async def test_many_are_gone_with_the_rollback(route: Route, home: str, queue: str) -> None:
    async with route.opened(home) as handle, handle.transaction(commits=False):
        await route.client().call("enqueue_many", plain(queue), connection=handle.connection)

    assert count(home, queue) == 0


async def test_every_option_of_each_arrives(route: Route, home: str, queue: str) -> None:
    async with route.opened(home) as handle, handle.transaction():
        ids = await route.client().call("enqueue_many", mixed(queue), connection=handle.connection)

    for expected, job_id, row in zip(mixed(queue), ids, rows(home, queue), strict=True):
        number = row[2]
        assert row[:2] == (job_id, f"{number} {HOSTILE}")
        assert row[3:5] == (expected.priority, expected.max_attempts)
        assert row[6:10] == (expected.timeout, expected.headers, expected.keep_result, expected.task)
        if expected.delay is not None:
            assert abs(row[5] - row[10] - expected.delay) < timedelta(minutes=1)
        else:
            assert row[5] == expected.run_at


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(("jobs", "error"), [(broken, RuntimeError), (refused, InvalidJob)])
async def test_in_autocommit_a_failure_leaves_none(
    route: Route, home: str, queue: str, jobs: Any, error: type[Exception]
) -> None:
    async with route.opened_autocommit(home) as handle:
        with pytest.raises(error):
            await route.client().call("enqueue_many", jobs(queue), connection=handle.connection)
        in_between = count(home, queue)
        await route.client().call("enqueue_many", plain(queue, 201), connection=handle.connection)
        at_once = count(home, queue)

    assert (in_between, at_once) == (0, 201)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(("jobs", "error"), [(broken, RuntimeError), (refused, InvalidJob)])
async def test_after_a_failure_the_transaction_goes_on_without_them(
    route: Route, home: str, queue: str, jobs: Any, error: type[Exception]
) -> None:
    client = route.client()
    async with route.opened(home) as handle, handle.transaction():
        await client.enqueue(note.job(text="before"), queue=queue, connection=handle.connection)
        with pytest.raises(error):
            await client.call("enqueue_many", jobs(queue), connection=handle.connection)
        await client.enqueue(note.job(text="after"), queue=queue, connection=handle.connection)

    assert count(home, queue) == 2


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(("jobs", "error"), [(broken, RuntimeError), (refused, InvalidJob)])
async def test_a_failure_of_the_first_thing_done_leaves_none(
    route: Route, home: str, queue: str, jobs: Any, error: type[Exception]
) -> None:
    async with route.opened(home) as handle, handle.transaction():
        with pytest.raises(error):
            await route.client().call("enqueue_many", jobs(queue), connection=handle.connection)

    assert count(home, queue) == 0


async def test_none_at_all_is_no_error(route: Route, home: str) -> None:
    async with route.opened(home) as handle, handle.transaction():
        assert await route.client().call("enqueue_many", [], connection=handle.connection) == []


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_what_was_to_be_prepared_behind_a_refused_statement_is_not_taken_for_prepared(
    kind: Any, home: str, queue: str
) -> None:
    client = AnyClient(kind(home, pool_size=1))
    first_is_refused = [Job(task="drivers.note", payload="[]", queue=queue), *plain(queue)]

    with pytest.raises(InvalidJob):
        await client.call("enqueue_many", first_is_refused)
    for _ in range(3):
        await client.call("enqueue_many", plain(queue))
    await client.call("close")

    assert count(home, queue) == 3 * JOBS


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("jobs", [broken, refused])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_client_of_its_own_sends_all_or_none(kind: Any, home: str, queue: str, jobs: Any) -> None:
    client = AnyClient(kind(home))

    with pytest.raises((RuntimeError, InvalidJob)):
        await client.call("enqueue_many", jobs(queue))
    none = count(home, queue)
    ids = await client.call("enqueue_many", plain(queue))
    await client.call("close")

    assert (none, count(home, queue), len(set(ids))) == (0, JOBS, JOBS)
