"""Tests that one look serves all, and that trouble is told and passes."""

from datetime import timedelta
from functools import partial

import psycopg
import pytest

from pgqueue import AsyncClient, Job, NoConnection
from pgqueue.dashboard.watcher import TROUBLE, Watcher, words_of
from tests.http.conftest import NOWHERE

CALLS = "select sum(calls) from pg_stat_user_functions where funcname = any (%s)"
ASKED = ["queue_stats", "worker_stats", "activity", "last_ends", "list_jobs"]


async def test_a_look_learns_what_there_is(dsn: str) -> None:
    async with AsyncClient(dsn) as client:
        await client.enqueue_many([Job(task="t", payload="{}")] * 3)
        done, _ = await client.claim("default", limit=2)
        await client.finish(done)
        watcher = Watcher(client)

        await watcher.look()

    sample = watcher.sample
    assert sample is not None
    assert (sample.stats.queues[0].waiting, len(sample.running)) == (1, 1)
    assert [event.job for event in watcher.events] == [done.id]
    assert [(point.waiting, point.running) for point in watcher.points] == [(1, 1)]


@pytest.mark.parametrize("viewers", [1, 50])
async def test_a_look_costs_the_same_for_many_viewers(dsn: str, viewers: int) -> None:
    async with AsyncClient(f"{dsn}&options=-ctrack_functions%3Dall") as client:
        watcher = Watcher(client)
        told: list[int] = []
        for viewer in range(viewers):
            watcher.listen(partial(told.append, viewer))

        await watcher.look()

    with psycopg.connect(dsn, autocommit=True) as connection:
        while not (row := connection.execute(CALLS, [ASKED]).fetchone()) or row[0] is None:
            pass
    assert row[0] == len(ASKED)
    assert sorted(told) == list(range(viewers))


async def test_whoever_left_is_not_told(dsn: str) -> None:
    async with AsyncClient(dsn) as client:
        watcher = Watcher(client)
        told: list[str] = []
        stop = watcher.listen(lambda: told.append("gone"))
        watcher.listen(lambda: told.append("here"))
        stop()
        stop()

        await watcher.look()

    assert told == ["here"]


async def test_a_page_that_fails_does_not_keep_the_others_from_being_told(dsn: str) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async with AsyncClient(dsn) as client:
        watcher = Watcher(client)
        told: list[str] = []
        watcher.listen(fail)
        watcher.listen(lambda: told.append("told"))

        await watcher.look()

    assert told == ["told"]


async def test_trouble_is_told_and_what_was_known_stays(dsn: str) -> None:
    async with AsyncClient(dsn) as client:
        watcher = Watcher(client)
        await watcher.look()
    known = watcher.sample

    await watcher.look()  # the client is closed

    assert watcher.trouble is not None
    assert watcher.sample is known


async def test_a_database_that_is_not_there_is_told() -> None:
    async with AsyncClient(NOWHERE, connection_timeout=timedelta(milliseconds=200)) as client:
        watcher = Watcher(client)

        await watcher.look()

    assert (watcher.sample, watcher.trouble is None) == (None, False)


async def test_viewers_are_not_told_where_the_database_is() -> None:
    async with AsyncClient(NOWHERE, connection_timeout=timedelta(milliseconds=200)) as client:
        with pytest.raises(NoConnection, match=r"127\.0\.0\.1") as raised:
            await client.stats()

    assert words_of(raised.value) == TROUBLE
