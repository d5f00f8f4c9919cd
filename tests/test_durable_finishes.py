"""Tests of what waits for the disk, and what need not."""

from collections.abc import Callable

import psycopg
import pytest

from pgqueue import AsyncClient, Client, task

WATCH = """
create table witness (event text, setting text);
create function witness() returns trigger language plpgsql as $$
begin
    insert into witness values (tg_argv[0], current_setting('synchronous_commit'));
    return null;
end
$$;
create constraint trigger witness after insert on pgqueue.jobs
    deferrable initially deferred for each row execute function witness('enqueued');
create constraint trigger witness after insert on pgqueue.claims
    deferrable initially deferred for each row execute function witness('claimed');
create constraint trigger witness after insert on pgqueue.outcomes
    deferrable initially deferred for each row execute function witness('ended');
"""


@task(queue="work", max_attempts=1)
def work() -> None:
    """Nothing."""


@pytest.fixture
def witnessed(dsn: str) -> Callable[[], list[tuple[str, str]]]:
    """At which setting each transaction committed, in order."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(WATCH)

    def read() -> list[tuple[str, str]]:
        with psycopg.connect(dsn) as connection:
            return connection.execute("select event, setting from witness").fetchall()

    return read


def test_all_but_a_claim_waits_for_the_disk_by_default(
    dsn: str, witnessed: Callable[[], list[tuple[str, str]]]
) -> None:
    with Client(dsn) as client:
        client.enqueue(work.job())
        client.finish_all(client.claim("work"))

    assert witnessed() == [("enqueued", "on"), ("claimed", "off"), ("ended", "on")]


def test_claims_and_finishes_may_lag(dsn: str, witnessed: Callable[[], list[tuple[str, str]]]) -> None:
    with Client(dsn, durable_finishes=False) as client:
        client.enqueue_many([work.job(), work.job()])
        client.finish_all(client.claim("work"))
        client.finish(client.claim("work").deliveries[0])

    lag = [("claimed", "off"), ("ended", "off")]
    assert witnessed() == [("enqueued", "on"), *lag, *lag]  # two jobs, one bundle


def test_a_death_never_lags(dsn: str, witnessed: Callable[[], list[tuple[str, str]]]) -> None:
    with Client(dsn, durable_finishes=False) as client:
        client.enqueue(work.job())
        client.fail(client.claim("work").deliveries[0], "no more")

    assert witnessed()[1:] == [("claimed", "off"), ("ended", "on")]


def test_a_callers_transaction_is_never_weakened(
    dsn: str, witnessed: Callable[[], list[tuple[str, str]]]
) -> None:
    with Client(dsn, durable_finishes=False) as client, psycopg.connect(dsn) as connection:
        client.enqueue(work.job())
        client.finish_all(client.claim("work", connection=connection), connection=connection)
        connection.commit()

    assert witnessed()[1:] == [("claimed", "on"), ("ended", "on")]


async def test_the_async_client_does_the_same(
    dsn: str, witnessed: Callable[[], list[tuple[str, str]]]
) -> None:
    async with AsyncClient(dsn, durable_finishes=False) as client:
        await client.enqueue(work.job())
        await client.finish_all(await client.claim("work"))

    assert witnessed() == [("enqueued", "on"), ("claimed", "off"), ("ended", "off")]
