"""Tests of `doctor` on real installations, healthy and sabotaged."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pgqueue import Client, Job
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade
from tests.cli.conftest import Run


def problems(output: str, check: str) -> list[dict[str, Any]]:
    found = json.loads(output)["findings"]
    return [finding for finding in found if (finding["check"], finding["level"]) == (check, "problem")]


@pytest.fixture
def careful_dsn() -> Iterator[str]:
    """A server as it comes; those of the other tests care little for their data, which doctor sees."""
    with EmbeddedPostgres() as postgres:
        upgrade(postgres.dsn())
        yield postgres.dsn()


def test_a_healthy_installation(bare_run: Run, careful_dsn: str) -> None:
    told = bare_run("doctor", "--json", "--dsn", careful_dsn)
    shown = bare_run("doctor", "--dsn", careful_dsn)

    assert (told.exit_code, shown.exit_code) == (0, 0)
    assert json.loads(told.stdout)["healthy"] is True
    checks = {finding["check"] for finding in json.loads(told.stdout)["findings"]}
    assert checks == {
        "schema", "pooler", "settings", "connections", "horizon", "partitions", "bloat", "workers", "clock"
    }  # fmt: skip
    assert "current" in shown.stdout


def test_a_held_horizon_is_told_by_pid_and_query(run: Run, dsn: str) -> None:
    with psycopg.connect(dsn, application_name="nightly") as holder:
        holder.execute("select 'the report', txid_current()")
        pid = holder.info.backend_pid

        result = run("doctor", "--json", "--longest-transaction", "1ms")

    (finding,) = problems(result.stdout, "horizon")
    assert result.exit_code == 1
    assert finding["facts"]["pid"] == pid
    assert finding["facts"]["query"] == "select 'the report', txid_current()"
    assert f"pid {pid} (nightly)" in finding["cause"]
    assert f"pg_terminate_backend({pid})" in finding["mend"]


def test_missing_partitions_are_told_by_table(run: Run, connection: psycopg.Connection[Any]) -> None:
    for (name,) in connection.execute("select name from pgqueue.windows() where parent = 'ready'").fetchall():
        connection.execute(f"drop table pgqueue.{name}")

    result = run("doctor", "--json")

    (finding,) = problems(result.stdout, "partitions")
    assert result.exit_code == 1
    assert finding["facts"]["parent"] == "ready"
    assert "pgqueue maintain" in finding["mend"]


def test_functions_of_another_package(run: Run, connection: psycopg.Connection[Any]) -> None:
    connection.execute("update pgqueue.installation set functions_digest = 'another'")
    connection.execute("drop function pgqueue.passed cascade")

    result = run("doctor", "--json")

    (schema,) = problems(result.stdout, "schema")
    (partitions,) = problems(result.stdout, "partitions")
    assert (result.exit_code, schema["mend"]) == (1, "Run `pgqueue migrate`.")
    assert "pgqueue.passed() does not exist" in partitions["cause"]


def test_no_installation_at_all(bare_run: Run, bare_dsn: str) -> None:
    result = bare_run("doctor", "--json", "--dsn", bare_dsn)

    (finding,) = problems(result.stdout, "schema")
    assert (result.exit_code, finding["cause"]) == (1, "schema pgqueue holds no pgqueue")


def test_jobs_nobody_takes(run: Run, client: Client, connection: psycopg.Connection[Any]) -> None:
    client.enqueue(Job(queue="email", task="tasks.send", payload="{}"))
    connection.execute("update pgqueue.ready set visible_at = visible_at - interval '2 hours'")
    before = problems(run("doctor", "--json").stdout, "workers")
    connection.execute("select pgqueue.join_workers(7, '{email}', 'here', 1, '0')")

    after = problems(run("doctor", "--json").stdout, "workers")

    assert ([finding["facts"]["queue"] for finding in before], after) == (["email"], [])


def test_a_role_that_may_not_look_is_told_so(run: Run, dsn: str) -> None:
    role = psycopg.conninfo.make_conninfo(dsn, options="-c role=pgqueue_worker")

    result = run("doctor", "--json", "--dsn", role)

    (finding,) = problems(result.stdout, "partitions")
    assert "pgqueue_admin" in finding["mend"]


def test_another_schema(bare_run: Run, bare_dsn: str) -> None:
    upgrade(bare_dsn, "other")

    result = bare_run("doctor", "--json", "--dsn", bare_dsn, "--schema", "other")

    assert problems(result.stdout, "schema") == problems(result.stdout, "partitions") == []
