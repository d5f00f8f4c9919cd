"""Tests of a worker's connection that one duty drops while another's call is under way on it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from pgqueue.calls.call import Call, call, function, nothing
from pgqueue.drivers.own import options_for
from pgqueue.worker.connections import no_greeting
from pgqueue.worker.line import Line, LineBroken
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import Look

STALL: Call[None] = call(function("stall"), {}, nothing)
WAITS = "select exists (select from pg_locks where locktype = 'advisory' and objid = 1 and not granted)"


@pytest.fixture
async def line(dsn: str, look: Look, async_connection: psycopg.AsyncConnection[Any]) -> AsyncIterator[Line]:
    """A connection on which a call waits until the test lets it go on."""
    await look("select pg_advisory_lock(1)")
    await async_connection.execute(
        "create function pgqueue.stall() returns void language sql as 'select pg_advisory_lock(1)'"
    )
    line = Line(dsn, schema="pgqueue", options=options_for(dsn, prepare=True), greeting=no_greeting)
    await line.open()
    yield line
    await line.drop()


async def under_way(line: Line, look: Look) -> "asyncio.Task[list[None]]":
    running = asyncio.create_task(line.run(STALL))
    await until(lambda: look(WAITS))
    return running


async def test_it_is_not_dropped_under_a_call_that_ends_in_time(
    line: Line, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgqueue.worker.line.DROP_SECONDS", PATIENCE_SECONDS)
    running = await under_way(line, look)
    dropping = asyncio.create_task(line.drop())
    await asyncio.sleep(0)
    await look("select pg_advisory_unlock(1)")

    assert await running == [None]
    await dropping
    assert not line.is_connected


async def test_a_call_that_does_not_end_learns_that_it_is_dropped(
    line: Line, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgqueue.worker.line.DROP_SECONDS", 0.5)
    running = await under_way(line, look)
    await line.drop()

    assert running.done()
    assert isinstance(running.exception(), LineBroken)
    assert not line.is_connected
