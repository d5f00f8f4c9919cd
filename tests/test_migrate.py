"""Tests that the schema is installed whole or not at all, by one migrator at a time, wherever wanted."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgqueue import migrate
from pgqueue.assets import sql_files

CHECKOUT = Path(__file__).parent.parent
PATIENCE_SECONDS = 60.0
WINDOW = re.compile(r"\d{8}_\d{6}|FROM \('[^']+'\) TO \('[^']+'\)")
CATALOG = """
    select 'column', format('%%s.%%s %%s %%s %%s', class.relname, attribute.attname,
        format_type(atttypid, atttypmod), attnotnull, coalesce(pg_get_expr(adbin, adrelid), ''))
    from pg_attribute as attribute
    join pg_class as class on class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace = %(schema)s::regnamespace and attnum > 0
    union all
    select 'constraint', format('%%s %%s', conrelid::regclass, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = %(schema)s::regnamespace
    union all
    select 'index', pg_get_indexdef(indexrelid)
    from pg_index join pg_class on pg_class.oid = indrelid where relnamespace = %(schema)s::regnamespace
    union all
    select 'partition', format('%%s %%s %%s', relname, pg_get_expr(relpartbound, oid), reloptions)
    from pg_class where relnamespace = %(schema)s::regnamespace and relispartition
    union all
    select 'routine', pg_get_functiondef(oid) || proacl::text
    from pg_proc where pronamespace = %(schema)s::regnamespace
    union all
    select 'relation', format('%%s %%s %%s', relname, relkind, relacl)
    from pg_class where relnamespace = %(schema)s::regnamespace
    union all
    select 'view', pg_get_viewdef(oid)
    from pg_class where relnamespace = %(schema)s::regnamespace and relkind = 'v'
    union all
    select 'version', (select string_agg(functions_digest, ',') from {}.installation)
    order by 1, 2
"""


def query(dsn: str, statement: str, *values: Any) -> list[Any]:
    """The rows of one statement in a session of its own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def catalog(dsn: str, schema: str = "pgqueue") -> list[Any]:
    """Everything the catalogs say of a schema; object ids and names of the schema itself left out.

    Which windows there are is a matter of the moment: what counts is that they are all alike.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = connection.execute(CATALOG.format(schema), {"schema": schema}).fetchall()
    told = {(kind, (text or "").replace(schema, "SCHEMA")) for kind, text in rows}
    return sorted({(kind, WINDOW.sub("WINDOW", text)) for kind, text in told})


def objects(dsn: str, schema: str = "pgqueue") -> int:
    """How many relations and routines a schema holds; none where there is no schema."""
    statement = """
        select (select count(*) from pg_class where relnamespace = to_regnamespace(%s))
            + (select count(*) from pg_proc where pronamespace = to_regnamespace(%s))
    """
    found: int = query(dsn, statement, schema, schema)[0][0]
    return found


@pytest.mark.every_postgres
def test_a_fresh_installation_works(bare_dsn: str) -> None:
    migrate.upgrade(bare_dsn)

    query(bare_dsn, "select pgqueue.enqueue('mail', 'send')")
    assert len(query(bare_dsn, "select * from pgqueue.claim(array['mail'])")) == 1


def test_upgrading_twice_changes_nothing(bare_dsn: str) -> None:
    migrate.upgrade(bare_dsn)
    before = catalog(bare_dsn)

    migrate.upgrade(bare_dsn)

    assert catalog(bare_dsn) == before


def test_an_upgrade_keeps_the_jobs(bare_dsn: str) -> None:
    migrate.upgrade(bare_dsn)
    query(bare_dsn, "select pgqueue.enqueue('mail', 'send')")

    migrate.upgrade(bare_dsn)

    assert query(bare_dsn, "select count(*) from pgqueue.ready") == [(1,)]


def at_once(works: Sequence[Callable[..., None]], arguments: Sequence[tuple[str, ...]]) -> None:
    """Run these beside each other, each in a thread; an error is raised here."""
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(work, *values) for work, values in zip(works, arguments, strict=True)]
        for one in running:
            one.result(PATIENCE_SECONDS)


def test_a_second_migrator_waits_and_finds_nothing_to_do(bare_dsn: str) -> None:
    lock = migrate.for_schema(migrate.install_step("lock"), "pgqueue")
    with psycopg.connect(bare_dsn) as first, ThreadPoolExecutor() as pool:
        first.execute(lock)
        second = pool.submit(migrate.upgrade, bare_dsn)
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        while query(bare_dsn, waiting) == [(0,)]:
            assert not second.done()
        first.rollback()
        second.result(PATIENCE_SECONDS)

    assert migrate.status(bare_dsn).is_current


def test_many_migrators_at_once_install_one_schema(bare_dsn: str) -> None:
    program = "import sys; from pgqueue.migrate import upgrade; upgrade(sys.argv[1])"
    command = [sys.executable, "-c", program, bare_dsn]
    migrators = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=CHECKOUT) for _ in range(3)]
    ends = [migrator.communicate(timeout=PATIENCE_SECONDS) for migrator in migrators]

    assert [(migrator.returncode, end[1]) for migrator, end in zip(migrators, ends, strict=True)] == [
        (0, b"")
    ] * 3
    assert query(bare_dsn, "select count(*) from pgqueue.installation") == [(1,)]


def test_many_threads_at_once_install_one_schema(bare_dsn: str) -> None:
    at_once([migrate.upgrade] * 4, [(bare_dsn,)] * 4)

    assert query(bare_dsn, "select count(*) from pgqueue.installation") == [(1,)]


def test_the_status_tells_what_is_there(bare_dsn: str) -> None:
    nothing = migrate.status(bare_dsn)
    migrate.upgrade(bare_dsn)
    installed = migrate.status(bare_dsn)
    query(bare_dsn, "update pgqueue.installation set functions_digest = 'older'")
    older = migrate.status(bare_dsn)

    assert (nothing.installed, nothing.is_current, nothing.head) == (None, False, "0001")
    assert (installed.installed, installed.functions_current, installed.is_current) == ("0001", True, True)
    assert (older.installed, older.functions_current, older.is_current) == ("0001", False, False)


@pytest.mark.every_postgres
def test_down_to_the_base_and_up_again(bare_dsn: str) -> None:
    migrate.upgrade(bare_dsn)
    before = catalog(bare_dsn)

    migrate.downgrade(bare_dsn, "base")

    assert query(
        bare_dsn,
        "select relname from pg_class where relnamespace = 'pgqueue'::regnamespace and relkind = 'r'",
    ) == [("alembic_version",)]
    assert query(bare_dsn, "select proname from pg_proc where pronamespace = 'pgqueue'::regnamespace") == []
    assert migrate.status(bare_dsn).installed is None
    migrate.upgrade(bare_dsn)
    assert catalog(bare_dsn) == before


@pytest.mark.every_postgres
@pytest.mark.parametrize("schema", ["pgqueue", "jobs_of_2030"])
def test_the_script_installs_what_the_upgrade_does(bare_dsn: str, server: Any, schema: str) -> None:
    migrate.upgrade(bare_dsn, schema)
    with server.database("template0") as by_script:
        query(by_script, migrate.script(schema))

        assert catalog(by_script, schema) == catalog(bare_dsn, schema)
        assert migrate.status(by_script, schema).is_current


def test_another_schema_is_named_nowhere_pgqueue(bare_dsn: str) -> None:
    migrate.upgrade(bare_dsn, "other")

    texts = query(bare_dsn, "select prosrc from pg_proc where pronamespace = 'other'::regnamespace")
    assert query(bare_dsn, "select to_regnamespace('pgqueue')") == [(None,)]
    assert [text for (text,) in texts if "pgqueue." in text] == []
    assert query(bare_dsn, "select other.channel()") == [("other",)]
    assert query(bare_dsn, "select to_regrole('other_producer') is not null") == [(True,)]


def test_two_installations_see_nothing_of_each_other(bare_dsn: str) -> None:
    for schema in ("pgqueue", "other"):
        migrate.upgrade(bare_dsn, schema)
    query(bare_dsn, "select pgqueue.enqueue('mail', 'send')")

    assert query(bare_dsn, "select job from other.claim(array['mail'])") == [(None,)]
    assert query(bare_dsn, "select count(*) from other.queues") == [(0,)]
    keys = """
        select pgqueue.bell_key('mail') <> other.bell_key('mail'),
            pgqueue.watch_key('mail') <> other.watch_key('mail'),
            pgqueue.worker_key(1) <> other.worker_key(1), pgqueue.channel() <> other.channel(),
            pgqueue.installation_id() <> other.installation_id()
    """
    assert query(bare_dsn, keys) == [(True,) * 5]


def test_two_installations_migrate_beside_each_other(bare_dsn: str) -> None:
    at_once([migrate.upgrade] * 2, [(bare_dsn, "one"), (bare_dsn, "two")])

    assert [migrate.status(bare_dsn, schema).is_current for schema in ("one", "two")] == [True, True]


def test_one_installation_goes_without_the_other(bare_dsn: str) -> None:
    for schema in ("pgqueue", "other"):
        migrate.upgrade(bare_dsn, schema)

    migrate.downgrade(bare_dsn, "base", "other")

    assert migrate.status(bare_dsn).is_current


@pytest.mark.parametrize(
    "schema", ["", "Upper", "with space", "1st", "a" * 41, "a;b", 'a"b', "ä", "a.b", "a\n"]
)
def test_what_is_no_plain_name_is_refused(bare_dsn: str, schema: str) -> None:
    for act in (migrate.upgrade, migrate.status):
        with pytest.raises(ValueError, match="is not a plain lower-case name"):
            act(bare_dsn, schema)
    with pytest.raises(ValueError, match="is not a plain lower-case name"):
        migrate.script(schema)


@pytest.mark.parametrize("schema", ["user", "select", "pg_mine"])
def test_a_name_postgres_keeps_for_itself_is_an_error_that_leaves_nothing(bare_dsn: str, schema: str) -> None:
    with pytest.raises(psycopg.Error):
        migrate.upgrade(bare_dsn, schema)

    assert objects(bare_dsn, schema) == 0


@pytest.mark.parametrize(
    "theirs",
    [
        "create function public.mine() returns int language sql as 'select 1'",
        "create view public.mine as select 1",
    ],
)
def test_a_schema_of_somebody_else_is_left_alone(bare_dsn: str, theirs: str) -> None:
    query(bare_dsn, theirs)
    before = objects(bare_dsn, "public")

    with pytest.raises(psycopg.Error, match="holds what is not ours"):
        migrate.upgrade(bare_dsn, "public")
    with pytest.raises(psycopg.Error, match="holds what is not ours"):
        migrate.downgrade(bare_dsn, "base", "public")

    assert objects(bare_dsn, "public") == before


@pytest.mark.parametrize("topic", ["functions", "views"])
def test_a_failure_in_the_middle_leaves_nothing(
    bare_dsn: str, monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    def broken(wanted: str) -> list[tuple[str, str]]:
        return [*sql_files(wanted), *([("broken", "select 1 / 0")] if wanted == topic else [])]

    monkeypatch.setattr(migrate, "sql_files", broken)

    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.upgrade(bare_dsn)

    assert query(bare_dsn, "select to_regnamespace('pgqueue')") == [(None,)]


def test_a_failed_upgrade_leaves_the_old_functions(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalog(dsn)
    monkeypatch.setattr(migrate, "sql_files", lambda topic: [("broken", "select 1 / 0")])

    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.upgrade(dsn)

    assert catalog(dsn) == before


def test_functions_of_an_older_package_are_gone(dsn: str) -> None:
    before = catalog(dsn)
    query(
        dsn, "create function pgqueue.enqueue(queue text, old boolean) returns int language sql as 'select 1'"
    )
    query(dsn, "create procedure pgqueue.forgotten() language sql as 'select 1'")
    query(dsn, "drop function pgqueue.moment_of cascade")

    migrate.upgrade(dsn)

    assert catalog(dsn) == before


def test_a_view_built_on_ours_stops_the_upgrade(dsn: str) -> None:
    query(dsn, "create view public.theirs as select id from pgqueue.job_states")
    before = catalog(dsn)

    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        migrate.upgrade(dsn)

    assert catalog(dsn) == before


def test_somebody_without_a_right_to_make_schemas_migrates_into_his_own(bare_dsn: str) -> None:
    query(
        bare_dsn,
        "do $$ begin create role plain_owner login; exception when duplicate_object then null; end $$",
    )
    query(bare_dsn, "create schema pgqueue authorization plain_owner")

    migrate.upgrade(bare_dsn.replace("postgres@", "plain_owner@"))

    assert migrate.status(bare_dsn).is_current


def test_a_long_reader_does_not_stop_an_upgrade(dsn: str) -> None:
    with psycopg.connect(dsn) as reader:
        reader.execute("select count(*) from pgqueue.jobs, pgqueue.ready")
        query(dsn, "select pgqueue.enqueue('mail', 'send')")

        migrate.upgrade(dsn)

    assert migrate.status(dsn).is_current
