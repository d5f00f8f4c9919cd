"""Tests of clients on a bad network: no call hangs, what is not known is said, and all goes on after."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Protocol

import psycopg
import pytest

from pgqueue import AsyncClient, Client, NoConnection, task
from pgqueue.drivers.own import NoAnswer
from tests.waiting import until
from tests.worker.conftest import Look
from tests.worker.proxy import Proxy

JOBS = "select count(*) from pgqueue.bodies"
SHORT = timedelta(seconds=1.5)


@task(name="note")
def note() -> None: ...


class Either(Protocol):
    """A client of one kind or the other; the proxy runs in the test's loop, so none may block it."""

    async def enqueue(self, connection: Any = None) -> int: ...


class OfThreads:
    def __init__(self, client: Client) -> None:
        self.client = client

    async def enqueue(self, connection: Any = None) -> int:
        return await asyncio.to_thread(self.client.enqueue, note.job(), connection=connection)


class OfLoop:
    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    async def enqueue(self, connection: Any = None) -> int:
        return await self.client.enqueue(note.job(), connection=connection)


@pytest.fixture(params=[Client, AsyncClient])
async def either(request: pytest.FixtureRequest, network: Proxy) -> AsyncIterator[Either]:
    """Both kinds, with one connection each and little patience."""
    dsn = f"{network.dsn}&connect_timeout=2"
    if request.param is Client:
        blocking = Client(dsn, pool_size=1, connection_timeout=SHORT)
        yield OfThreads(blocking)
        await asyncio.to_thread(blocking.close)
    else:
        async with AsyncClient(dsn, pool_size=1, connection_timeout=SHORT) as client:
            yield OfLoop(client)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is waited for for a second and a half."""
    for kind in ("OwnConnection", "OwnAsyncConnection"):
        monkeypatch.setattr(f"pgqueue.drivers.own.{kind}.answer_seconds", 1.5)


async def succeeds(either: Either) -> int:
    """A call gets through, at once or after others that found no connection."""

    async def tried() -> int | None:
        try:
            return await either.enqueue()
        except NoConnection:
            return None

    job: int = await until(tried)
    return job


async def test_a_connection_cut_while_it_was_idle_costs_no_call(either: Either, network: Proxy) -> None:
    await either.enqueue()
    network.cut()
    await asyncio.sleep(0)  # the proxy's loop sends the end before the next call begins

    assert await either.enqueue()


async def test_a_call_whose_answer_is_lost_says_that_its_fate_is_unknown(
    either: Either, network: Proxy, look: Look
) -> None:
    await either.enqueue()
    network.links[0].is_muted = True
    call = asyncio.create_task(either.enqueue())
    await until(lambda: look(f"{JOBS} having count(*) = 2"))
    network.links[0].cut()

    with pytest.raises(psycopg.OperationalError) as caught:
        await call
    assert any("not known" in note for note in caught.value.__notes__)
    assert await succeeds(either)
    assert await look(JOBS) == 3


@pytest.mark.usefixtures("impatient")
async def test_a_call_on_a_network_gone_silent_ends_and_says_so(
    either: Either, network: Proxy, look: Look
) -> None:
    await either.enqueue()
    network.silence()

    with pytest.raises(NoAnswer, match=r"no answer .* 1\.5 s") as caught:
        await either.enqueue()
    assert any("not known" in note for note in caught.value.__notes__)
    with pytest.raises(NoConnection, match=r"1\.5 s"):
        await either.enqueue()
    network.heal()
    assert await succeeds(either)
    assert await look(JOBS) == 2


async def test_on_a_network_that_never_answers_no_connection_is_had(either: Either, network: Proxy) -> None:
    network.silence()

    with pytest.raises(NoConnection, match="has not been answered") as caught:
        await either.enqueue()
    network.heal()
    assert "pool_size) were in use" not in str(caught.value)


async def test_a_slow_network_is_only_slow(either: Either, network: Proxy) -> None:
    network.delay_seconds = 0.05

    assert await either.enqueue()


@pytest.mark.parametrize("end", ["end_client", "end_server"])
async def test_a_half_closed_connection_is_replaced(either: Either, network: Proxy, end: str) -> None:
    await either.enqueue()
    getattr(network.links[0], end)()
    job = await until(lambda: lost_or_done(either))

    assert job


async def lost_or_done(either: Either) -> int | None:
    try:
        return await either.enqueue()
    except (psycopg.OperationalError, NoConnection):
        return None


async def test_a_callers_connection_lost_before_its_commit_leaves_nothing(network: Proxy, look: Look) -> None:
    async with await psycopg.AsyncConnection.connect(network.dsn) as connection:
        await AsyncClient().enqueue(note.job(), connection=connection)
        network.cut()
        with pytest.raises(psycopg.OperationalError) as caught:
            await AsyncClient().enqueue(note.job(), connection=connection)
    assert any("nothing of it was done" in said for said in caught.value.__notes__)

    await until(lambda: look("select not exists (select from pg_locks where locktype = 'advisory')"))
    assert await look(JOBS) == 0
