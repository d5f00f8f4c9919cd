"""Tests of `migrate`, `status` and `downgrade`."""

import json

import psycopg

from pgqueue import migrate
from pgqueue.version import head
from tests.cli.conftest import Run


def has_jobs_table(dsn: str, schema: str = "pgqueue") -> bool:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("select to_regclass(%s) is not null", [f"{schema}.jobs"]).fetchone()
    return found == (True,)


def test_migrate_installs_and_says_so(bare_run: Run, bare_dsn: str) -> None:
    result = bare_run("migrate", "--dsn", bare_dsn)

    assert (result.exit_code, result.output) == (0, f"schema pgqueue is at migration {head()}\n")
    assert has_jobs_table(bare_dsn)
    assert bare_run("migrate", "--dsn", bare_dsn).exit_code == 0


def test_migrate_takes_another_schema(bare_run: Run, bare_dsn: str) -> None:
    assert bare_run("migrate", "--dsn", bare_dsn, "--schema", "orders").exit_code == 0

    assert has_jobs_table(bare_dsn, "orders")
    assert not has_jobs_table(bare_dsn)


def test_a_bad_schema_name_is_misuse(bare_run: Run, bare_dsn: str) -> None:
    result = bare_run("migrate", "--dsn", bare_dsn, "--schema", "Robert'; drop")

    assert result.exit_code == 2
    assert "plain lower-case name" in result.stderr


def test_sql_is_printed_without_a_database(bare_run: Run) -> None:
    result = bare_run("migrate", "--sql")

    assert result.exit_code == 0
    assert result.stdout.strip() == migrate.script().strip()


def test_status_before_and_after(bare_run: Run, bare_dsn: str) -> None:
    before = bare_run("status", "--dsn", bare_dsn)
    migrate.upgrade(bare_dsn)
    after = bare_run("status", "--dsn", bare_dsn)

    assert before.exit_code == 1
    assert "not installed; run `pgqueue migrate`" in before.output
    assert (after.exit_code, after.output) == (0, f"schema pgqueue: at migration {head()}, current\n")


def test_status_names_the_mend_of_an_older_schema(run: Run, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("update pgqueue.alembic_version set version_num = '0000'")

    result = run("status")

    assert result.exit_code == 1
    assert f"at migration 0000 of {head()}; run `pgqueue migrate`" in result.output


def test_status_names_the_mend_of_a_newer_schema(run: Run, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("update pgqueue.alembic_version set version_num = '9999'")

    result = run("status")

    assert result.exit_code == 1
    assert "upgrade the package" in result.output


def test_status_notices_other_functions(run: Run, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("update pgqueue.installation set functions_digest = 'of another package'")

    result = run("status")

    assert result.exit_code == 1
    assert "functions are not this package's; run `pgqueue migrate`" in result.output


def test_status_as_json(run: Run) -> None:
    result = run("status", "--json")

    assert json.loads(result.stdout) == {
        "schema": "pgqueue",
        "installed": head(),
        "head": head(),
        "functions_current": True,
        "is_current": True,
    }


def test_downgrade_asks_first(run: Run, dsn: str) -> None:
    result = run("downgrade", "base", answer="n\n")

    assert result.exit_code == 1
    assert "DROP EVERY JOB" in result.output
    assert has_jobs_table(dsn)


def test_downgrade_to_base_removes_the_tables(run: Run, dsn: str) -> None:
    assert run("downgrade", "base", "--yes").exit_code == 0

    assert not has_jobs_table(dsn)


def test_an_unknown_revision_is_misuse(run: Run, dsn: str) -> None:
    result = run("downgrade", "7777", "--yes")

    assert result.exit_code == 2
    assert "7777" in result.stderr
    assert has_jobs_table(dsn)
