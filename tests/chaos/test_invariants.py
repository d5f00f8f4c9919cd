"""Tests of the invariants: each is broken by hand once, and it is seen; the real queue breaks none."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pgqueue import Client
from tests.chaos import facts
from tests.chaos.servers import equip
from tests.chaos.tasks import doomed, plain

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(dsn: str) -> Iterator[Connection]:
    equip(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def job(connection: Connection) -> int:
    """A job that waits."""
    return Client().enqueue(plain.job(key=1), connection=connection)


def held(connection: Connection) -> int:
    """The claim that holds what waits."""
    return Client().claim("default", limit=10, connection=connection).claim or 0


def broken(connection: Connection) -> set[str]:
    return {name for name, _ in facts.breaches(connection)}


def left(connection: Connection) -> list[tuple[str, str]]:
    """What is left, but for windows: here nobody keeps the house, and one may pass any minute."""
    return [row for row in facts.rows(connection, "leftovers.sql") if "window" not in row[0]]


def test_jobs_in_every_state_break_nothing(connection: Connection) -> None:
    client = Client()
    client.enqueue_many([plain.job(key=key) for key in range(10)], connection=connection)
    lease = client.claim("default", limit=5, connection=connection)
    done, failed, buried, returned, _ = lease
    client.finish(done, connection=connection)
    client.fail(failed, "again", connection=connection)
    client.bury(buried, "no more", connection=connection)
    client.hand_back([returned], delay=timedelta(hours=1), connection=connection)

    assert broken(connection) == set()


def test_a_redriven_job_breaks_nothing(connection: Connection) -> None:
    client = Client()
    job = client.enqueue(doomed.job(key=1), connection=connection)
    for _ in range(2):
        (delivery,) = client.claim("default", connection=connection)
        client.bury(delivery, "dead", connection=connection)
        client.redrive([job], connection=connection)

    assert broken(connection) == set()


def test_a_waiting_job_needs_its_body(connection: Connection, job: int) -> None:
    connection.execute("delete from pgqueue.jobs")

    assert broken(connection) == {"a waiting job has its body"}


def test_a_job_neither_waiting_nor_ended_is_lost(connection: Connection, job: int) -> None:
    connection.execute("delete from pgqueue.ready")

    assert broken(connection) == {"a job either waits or has ended"}


def test_a_job_may_not_wait_and_be_held(connection: Connection, job: int) -> None:
    connection.execute("create table chaos.copy as select * from pgqueue.ready")
    held(connection)
    connection.execute("insert into pgqueue.ready select * from chaos.copy")

    assert broken(connection) == {"a job waits once, or is held once"}


def test_two_claims_may_not_hold_a_job(connection: Connection, job: int) -> None:
    held(connection)
    connection.execute("create table chaos.copy as select * from pgqueue.claims")
    connection.execute("update chaos.copy set id = id + 1")
    connection.execute("insert into pgqueue.claims select * from chaos.copy")

    assert broken(connection) == {"a job waits once, or is held once"}


def test_a_job_that_ended_may_not_wait(connection: Connection, job: int) -> None:
    connection.execute("create table chaos.copy as select * from pgqueue.ready")
    client = Client()
    client.finish_all(client.claim("default", connection=connection), connection=connection)
    connection.execute("insert into pgqueue.ready select * from chaos.copy")

    assert broken(connection) == {"a job that ended waits no more"}


def test_a_job_ends_once_and_so_does_an_attempt(connection: Connection, job: int) -> None:
    client = Client()
    client.finish_all(client.claim("default", connection=connection), connection=connection)
    connection.execute("create table chaos.copy as select * from chaos.outcomes")
    connection.execute("update chaos.copy set claim = claim + 1")
    connection.execute("insert into chaos.outcomes select * from chaos.copy")

    assert broken(connection) == {"a job ends once, and once more for each redrive", "an attempt ends once"}


def test_attempts_stay_within_their_bounds(connection: Connection, job: int) -> None:
    connection.execute("update pgqueue.ready set attempt = last_attempt")

    assert broken(connection) == {"attempts are within their bounds"}


def test_a_claims_arrays_run_in_parallel(connection: Connection, job: int) -> None:
    held(connection)
    connection.execute("update pgqueue.claims set priorities = '{}'")

    assert broken(connection) == {"a claim's arrays run in parallel"}


@pytest.mark.parametrize(
    "change",
    [
        "update pgqueue.ready set size = 65 where size = 10",
        "update pgqueue.ready set id = id | 60 where size = 10",
        "update pgqueue.claims set sizes[1] = 0",
        "update pgqueue.claims set jobs[1] = jobs[1] | 62",
        "update pgqueue.outcomes set job_id = job_id | 62 where size = 5",
        "update pgqueue.outcomes set run_seconds = '{1}' where size = 5",
    ],
)
def test_a_rows_jobs_are_of_one_bundle(connection: Connection, change: str) -> None:
    client = Client()
    client.enqueue_many([plain.job(key=key) for key in range(20)], connection=connection)
    client.finish_all(client.claim("default", limit=5, connection=connection), connection=connection)
    client.claim("default", limit=5, connection=connection)
    connection.execute(change)

    assert "a row's jobs are of one bundle" in broken(connection)


@pytest.mark.parametrize(
    "change",
    ["payloads = payloads[2:]", "size = size + 1", "id = id + 1, size = 1, payloads = payloads[1:1]"],
)
def test_a_bundles_payloads_are_as_many_as_its_jobs(connection: Connection, job: int, change: str) -> None:
    connection.execute(f"update pgqueue.jobs set {change}".encode())

    assert "a bundle's payloads are as many as its jobs" in broken(connection)


def test_a_dead_letter_is_of_a_dead_job(connection: Connection) -> None:
    client = Client()
    client.enqueue(doomed.job(key=1), connection=connection)
    (delivery,) = client.claim("default", connection=connection)
    client.bury(delivery, "dead", connection=connection)
    connection.execute("update chaos.outcomes set state = 'succeeded'")

    assert broken(connection) == {"a dead letter is of a job that died last"}


def test_nothing_is_left_of_a_job_that_ended_and_of_one_that_did_not_its_rows_are(
    connection: Connection, job: int
) -> None:
    client = Client()
    waiting = left(connection)
    lease = client.claim("default", connection=connection)
    claimed = left(connection)
    client.finish_all(lease, connection=connection)

    assert waiting == [("a row in ready", str(job))]
    assert claimed == [("a claim", str(lease.claim))]
    assert left(connection) == []
