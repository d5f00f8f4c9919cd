"""What every route refuses, in words of ours: wrong places, wrong connections, what the server refuses."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import psycopg
import psycopg_pool
import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from pgqueue import (
    AsyncClient,
    Client,
    InvalidJob,
    Job,
    LeaseLost,
    NotInstalled,
    PayloadTooLarge,
    UnknownJob,
    UnsupportedConnection,
    WrongInstallation,
)
from pgqueue.drivers import choose
from tests.drivers.route import Handle, Route, settled
from tests.drivers.tasks import note

MIB = 1024 * 1024


async def test_a_database_without_pgqueue_is_refused_at_once(route: Route, nowhere: str) -> None:
    async with route.opened(nowhere) as handle, handle.transaction(commits=False):
        with pytest.raises(NotInstalled, match=r"schema 'pgqueue'.*pgqueue migrate") as caught:
            await route.client().enqueue(note.job(text="x"), connection=handle.connection)

    assert caught.value.__cause__ is not None


async def test_many_are_refused_without_pgqueue_too(route: Route, nowhere: str) -> None:
    jobs = [note.job(text="x")] * 2_500
    async with route.opened(nowhere) as handle, handle.transaction(commits=False):
        with pytest.raises(NotInstalled):
            await route.client().call("enqueue_many", jobs, connection=handle.connection)


async def test_another_installation_is_refused(route: Route, home: str, elsewhere: str) -> None:
    client = route.client(home)
    try:
        async with route.opened(elsewhere) as handle, handle.transaction(commits=False):
            with pytest.raises(WrongInstallation, match=r"the client belongs to .* Pass a connection"):
                await client.enqueue(note.job(text="x"), connection=handle.connection)
    finally:
        await client.call("close")


async def test_many_are_refused_by_another_installation_too(route: Route, home: str, elsewhere: str) -> None:
    client = route.client(home)
    jobs = [note.job(text="x")] * 2_500
    try:
        async with route.opened(elsewhere) as handle, handle.transaction(commits=False):
            with pytest.raises(WrongInstallation):
                await client.call("enqueue_many", jobs, connection=handle.connection)
    finally:
        await client.call("close")


async def test_the_other_kind_of_client_is_named(route: Route, home: str) -> None:
    advice = "use Client for it" if route.is_async is False else "use AsyncClient for it"
    async with route.opened(home) as handle:
        with pytest.raises(UnsupportedConnection, match=advice):
            await route.other_client().enqueue(note.job(text="x"), connection=handle.connection)


async def ended_twice(route: Route, handle: Handle, queue: str) -> None:
    client = route.client()
    await client.enqueue(note.job(text="x"), queue=queue, connection=handle.connection)
    lease = await client.call("claim", queue, connection=handle.connection)
    await client.call("finish", lease.deliveries[0], connection=handle.connection)
    await client.call("finish", lease.deliveries[0], connection=handle.connection)


async def no_object(route: Route, handle: Handle, queue: str) -> None:
    job = Job(task="drivers.note", payload="[1]", queue=queue)
    await route.client().enqueue(job, connection=handle.connection)


async def too_large(route: Route, handle: Handle, queue: str) -> None:
    client = route.client(payload_limit_bytes=4 * MIB)
    await client.enqueue(note.job(text="x" * 2 * MIB), queue=queue, connection=handle.connection)


async def unknown(route: Route, handle: Handle, queue: str) -> None:
    await route.client().call("cancel", 1, connection=handle.connection)


REFUSED = {
    ended_twice: (LeaseLost, "no longer holds job"),
    no_object: (InvalidJob, "payload is array, not an object"),
    too_large: (PayloadTooLarge, r"the limit is 1048576 \(as jsonb, .*Store the data elsewhere"),
    unknown: (UnknownJob, "no job 1"),
}


@pytest.mark.parametrize("act", REFUSED, ids=lambda act: act.__name__)
async def test_the_servers_codes_become_our_errors(route: Route, home: str, queue: str, act: Any) -> None:
    error, words = REFUSED[act]
    async with route.opened(home) as handle, handle.transaction(commits=False):
        with pytest.raises(error, match=words) as caught:
            await act(route, handle, queue)

    assert caught.value.__cause__ is not None


async def test_other_errors_pass_as_they_are(route: Route, home: str, queue: str) -> None:
    async with route.opened(home) as handle, handle.transaction(commits=False):
        with pytest.raises(Exception, match="invalid input syntax for type json") as caught:
            await route.client().enqueue(
                Job(task="t", payload="{", queue=queue), connection=handle.connection
            )

    assert not type(caught.value).__module__.startswith("pgqueue")


async def test_the_servers_own_errors_say_what_to_do_whatever_the_library(route: Route, home: str) -> None:
    """A payload that is no JSON stands in the way: an aborted transaction follows."""
    broken = Job(task="t", payload="{")
    async with route.opened(home) as handle, handle.transaction(commits=False):
        with pytest.raises(Exception, match="json"):
            await route.client().enqueue(broken, connection=handle.connection)
        with pytest.raises(Exception, match=r"(?i)transaction") as caught:
            await route.client().enqueue(note.job(text="x"), connection=handle.connection)

    assert "roll back" in caught.value.__notes__[0]


def strangers() -> Iterator[tuple[object, str]]:
    """What people hand over instead of a connection, and what they are told."""
    engine = create_engine("postgresql+psycopg://")
    async_engine = create_async_engine("postgresql+asyncpg://")
    yield "postgresql://", r"builtins\.str: a DSN is given to the client itself"
    yield sqlite3.connect(":memory:"), r"sqlite3\.Connection"
    yield object(), r"builtins\.object"
    yield engine, "with engine.begin"
    yield async_engine, "async with engine.begin"
    yield sessionmaker(engine), "with maker.begin"
    yield async_sessionmaker(async_engine), "async with maker.begin"
    yield psycopg_pool.ConnectionPool(open=False), "with pool.connection"
    yield psycopg_pool.AsyncConnectionPool(open=False), "async with pool.connection"


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_what_is_no_connection_is_refused_with_advice(kind: Any) -> None:
    for stranger, words in strangers():
        with pytest.raises(UnsupportedConnection, match=words):
            await settled(kind().enqueue(note.job(text="x"), connection=stranger))
        with pytest.raises(UnsupportedConnection, match=words):
            await settled(
                kind("postgresql://nowhere.invalid").enqueue(note.job(text="x"), connection=stranger)
            )
        with pytest.raises(UnsupportedConnection, match=words):
            await settled(kind().claim("queue", connection=stranger))
        if isinstance(stranger, sqlite3.Connection):
            stranger.close()


async def test_an_asyncpg_pool_is_told_to_lend_a_connection(home: str) -> None:
    async with asyncpg.create_pool(home, min_size=0) as pool:
        with pytest.raises(UnsupportedConnection, match=r"async with pool\.acquire"):
            await AsyncClient().enqueue(note.job(text="x"), connection=pool)


def test_a_cursor_is_told_to_give_its_connection(home: str) -> None:
    with (
        psycopg.connect(home) as connection,
        connection.cursor() as cursor,
        pytest.raises(UnsupportedConnection, match=r"give its \.connection"),
    ):
        Client().enqueue(note.job(text="x"), connection=cursor)


def test_another_database_behind_sqlalchemy_is_refused() -> None:
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        with pytest.raises(UnsupportedConnection, match="connects to sqlite through 'pysqlite'"):
            Client().enqueue(note.job(text="x"), connection=session)
        with pytest.raises(UnsupportedConnection, match="postgresql\\+psycopg"):
            Client().enqueue_many([note.job(text="x")] * 2_500, connection=session)
    engine.dispose()


def test_a_subclass_of_a_connection_is_one() -> None:
    class Theirs(psycopg.Connection[Any]):
        pass

    assert choose.names_for(Theirs.__new__(Theirs), choose.BLOCKING) == ("psycopg", "run", "atomic")


def test_without_dsn_and_connection_there_is_nowhere_to_go() -> None:
    with pytest.raises(UnsupportedConnection, match="pass connection="):
        Client().enqueue(note.job(text="x"))
    with pytest.raises(UnsupportedConnection, match="pass connection="):
        Client().claim("queue", lease=timedelta(seconds=5))
