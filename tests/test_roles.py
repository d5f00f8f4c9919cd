"""Tests that each role can do its work and nothing else, and that our privileges cannot be borrowed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgqueue.migrate import upgrade

pytestmark = pytest.mark.every_postgres

VIEWS = ("bodies", "waiting", "held", "attempts", "job_states")
TABLES = (
    "installation",
    "queues",
    "jobs",
    "ready",
    "claims",
    "outcomes",
    "progress",
    "dead_letters",
    "cancellations",
    "redrives",
    "revisions",
    "workers",
    "jobs_kept",
    *VIEWS,
)
ENQUEUES = {
    "enqueue": "select pgqueue.enqueue('mail', 'send')",
    "enqueue_many": "select pgqueue.enqueue_many('{mail}', '{send}', array['{}']::jsonb[])",
    "installation_id": "select pgqueue.installation_id()",
    "channel": "select pgqueue.channel()",
}
WORKS = {
    "claim": "select * from pgqueue.claim('{mail}')",
    "claim_pieces": "select * from pgqueue.claim_pieces('{mail}')",
    "finish": "select * from pgqueue.finish('{1}', '{1}')",
    "finish_all": "select pgqueue.finish_all('{1}')",
    "extend": "select * from pgqueue.extend('{1}', '1 minute')",
    "reap": "select pgqueue.reap()",
    "get_job": "select * from pgqueue.get_job(1)",
    "report_progress": "select pgqueue.report_progress('{1}', '{1}', '{0.5}', '{null}')",
    "take_watch": "select pgqueue.take_watch('{mail}')",
    "arm": "select pgqueue.arm('{mail}')",
    "disarm": "select pgqueue.disarm('{mail}')",
    "leave_watch": "select pgqueue.leave_watch('{mail}')",
    "leave_posts": "select pgqueue.leave_posts('{mail}', '{1}')",
    "listen": "select pgqueue.listen()",
    "unlisten": "select pgqueue.unlisten()",
    "next_due": "select pgqueue.next_due('{mail}')",
    "join_workers": "select pgqueue.join_workers(1, '{mail}', 'here', 1, '0')",
    "absent_workers": "select * from pgqueue.absent_workers(1)",
    "leave_workers": "select pgqueue.leave_workers(1)",
    "new_id": "select pgqueue.new_id()",
    "version": "select * from pgqueue.version()",
    "make_partitions": "select pgqueue.make_partitions()",
    "make_ahead": "select pgqueue.make_ahead('ready')",
    "past_windows": "select pgqueue.past_windows()",
    "drop_window": "select pgqueue.drop_window('ready', 'none')",
    "empty_default": "select pgqueue.empty_default('ready')",
    "delete_leftovers": "select pgqueue.delete_leftovers()",
    "show_settings": "select pgqueue.show_settings()",
    "list_dead": "select * from pgqueue.list_dead()",
    "queue_stats": "select * from pgqueue.queue_stats()",
    "worker_stats": "select * from pgqueue.worker_stats()",
    "relation_stats": "select * from pgqueue.relation_stats()",
    "horizon_holders": "select * from pgqueue.horizon_holders()",
    "is_paused": "select pgqueue.is_paused(1)",
    "activity": "select * from pgqueue.activity()",
    "last_ends": "select * from pgqueue.last_ends()",
    "list_jobs": "select * from pgqueue.list_jobs()",
}
RULES = {
    "redrive": "select pgqueue.redrive('{1}')",
    "purge": "select pgqueue.purge('{1}')",
    "pause": "select pgqueue.pause('mail')",
    "resume": "select pgqueue.resume('mail')",
    "pause_worker": "select pgqueue.pause_worker(1)",
    "resume_worker": "select pgqueue.resume_worker(1)",
    "run_now": "select pgqueue.run_now('{1}')",
    "reprioritise": "select pgqueue.reprioritise('{1}', 0)",
    "change_settings": "select pgqueue.change_settings()",
}
FINDS_NOTHING = {
    "cancel": "select pgqueue.cancel(1)",
    "complete": "select pgqueue.complete(1, 1)",
}
INNER = {
    "bury": "select pgqueue.bury('{1}')",
    "release": "select pgqueue.release('{1}', '{1}')",
    "put_back": "select pgqueue.put_back('{}', '{1}')",
    "drop_cancelled": "select pgqueue.drop_cancelled(1)",
    "announce": "select pgqueue.announce('mail', true)",
    "states_of": "select * from pgqueue.states_of('{1}')",
    "body_of": "select * from pgqueue.body_of(1)",
    "label_of": "select * from pgqueue.label_of(1)",
    "outcomes_of": "select * from pgqueue.outcomes_of(1)",
    "move": "select pgqueue.move('{1}', null)",
    "cut_out": "select pgqueue.cut_out(1, 1, '(0,1)', now())",
    "by_age": "select pgqueue.by_age('dead', false, 0, 1, 1)",
    "carry_ready": "select pgqueue.carry_ready('ready_default', 1)",
    "drop_partition": "select pgqueue.drop_partition('jobs', 'jobs_default', now(), now())",
    "make_window": "select pgqueue.make_window('jobs', now(), now())",
    "percent_of_pages": "select pgqueue.percent_of_pages('ready', 1)",
    "counted_by_server": "select pgqueue.counted_by_server('ready')",
    "last_outcomes": "select * from pgqueue.last_outcomes(now(), 1)",
    "enqueued_lately": "select pgqueue.enqueued_lately(now(), now(), 1)",
    "held_by_queue": "select * from pgqueue.held_by_queue(now())",
    "make_partition": "select pgqueue.make_partition('jobs', 'mine', 'default')",
}


@contextmanager
def as_role(dsn: str, role: str | None) -> Iterator[psycopg.Connection[Any]]:
    """A session of a user that is a member of this one role; a stranger's without."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        user = f"user_of_{role or 'nothing'}"
        make = "do {body}"
        body = f"begin create role {user} login; exception when duplicate_object then null; end"
        admin.execute(sql.SQL(make).format(body=sql.Literal(body)))
        if role is not None:
            admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(user)))
    with psycopg.connect(dsn.replace("postgres@", f"{user}@"), autocommit=True) as connection:
        yield connection


def refused(connection: psycopg.Connection[Any], statements: dict[str, str]) -> set[str]:
    """The names of those statements that privileges forbid; any other error is raised."""
    names = set()
    for name, statement in statements.items():
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            names.add(name)
        except psycopg.Error as error:
            if error.sqlstate not in ("PQ001", "PQ005"):
                raise
    return names


def reads(schema: str = "pgqueue") -> dict[str, str]:
    """A statement that reads each table."""
    return {table: f"select * from {schema}.{table} limit 1" for table in TABLES}


def writes() -> dict[str, str]:
    """A statement that changes each table."""
    return {table: f"delete from pgqueue.{table}" for table in TABLES if table not in VIEWS}


def all_of(*groups: dict[str, str]) -> dict[str, str]:
    """These groups as one."""
    return {name: statement for group in groups for name, statement in group.items()}


def test_a_producer_can_enqueue_and_nothing_else(dsn: str) -> None:
    forbidden = all_of(WORKS, RULES, FINDS_NOTHING, INNER, reads(), writes())

    with as_role(dsn, "pgqueue_producer") as connection:
        assert refused(connection, ENQUEUES) == set()
        assert refused(connection, forbidden) == set(forbidden)
        for name in TABLES:
            assert refused(connection, {name: f"select 1 from pgqueue.{name}"}) == {name}


def test_a_worker_can_work_and_neither_rule_nor_read_tables(dsn: str) -> None:
    allowed = all_of(ENQUEUES, WORKS, FINDS_NOTHING)
    forbidden = all_of(RULES, INNER)

    with as_role(dsn, "pgqueue_worker") as connection:
        assert refused(connection, allowed) == set()
        assert refused(connection, forbidden) == set(forbidden)
        assert refused(connection, reads()) == set(TABLES)
        assert refused(connection, writes()) == set(writes())


def test_an_admin_can_read_and_rule_and_change_no_table_by_hand(dsn: str) -> None:
    with as_role(dsn, "pgqueue_admin") as connection:
        assert refused(connection, all_of(ENQUEUES, WORKS, FINDS_NOTHING, RULES, reads())) == set()
        assert refused(connection, writes()) == set(writes())


def test_an_admin_redrives_and_sees_it(dsn: str, connection: psycopg.Connection[Any]) -> None:
    job = connection.execute("select pgqueue.enqueue('mail', 'send')").fetchone()
    claim = connection.execute("select claim, job from pgqueue.claim('{mail}')").fetchone()
    assert job is not None
    assert claim is not None
    connection.execute(
        "select * from pgqueue.finish(array[%s]::bigint[], array[%s]::bigint[], '{dead}')", claim
    )

    with as_role(dsn, "pgqueue_admin") as admin:
        assert admin.execute("select pgqueue.redrive(array[%s]::bigint[])", job).fetchall() == [job]
        assert admin.execute("select state from pgqueue.job_states").fetchall() == [("waiting",)]


def test_what_somebody_runs_is_told_to_admins_alone(dsn: str) -> None:
    seen = {}
    with psycopg.connect(dsn) as holder:
        holder.execute("select pg_current_xact_id(), 'a secret'")
        for role in ("pgqueue_worker", "pgqueue_admin"):
            with as_role(dsn, role) as connection:
                rows = connection.execute("select query from pgqueue.horizon_holders()").fetchall()
                seen[role] = any("a secret" in (query or "") for (query,) in rows)

    assert seen == {"pgqueue_worker": False, "pgqueue_admin": True}


def test_a_stranger_can_do_nothing(dsn: str) -> None:
    forbidden = all_of(ENQUEUES, WORKS, RULES, FINDS_NOTHING, INNER, reads(), writes())

    with as_role(dsn, None) as connection:
        assert refused(connection, forbidden) == set(forbidden)


def test_everybody_is_granted_nothing(connection: psycopg.Connection[Any]) -> None:
    granted = connection.execute(
        "select proname from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) as acl"
        " where pronamespace = 'pgqueue'::regnamespace and acl.grantee = 0"
    ).fetchall()

    assert granted == []


def test_every_function_with_our_privileges_fixes_its_search_path(
    connection: psycopg.Connection[Any],
) -> None:
    open_ones = connection.execute(
        "select proname from pg_proc where pronamespace = 'pgqueue'::regnamespace and prosecdef"
        " and not coalesce('search_path=pg_catalog, pg_temp' = any (proconfig), false)"
    ).fetchall()

    assert open_ones == []


def test_objects_of_the_callers_own_do_not_deceive_us(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("create schema trap")
        owner.execute("grant all on schema trap to public")
    with as_role(dsn, "pgqueue_worker") as connection:
        for statement in TRAPS:
            connection.execute(statement)

        for statement in (*ENQUEUES.values(), *WORKS.values()):
            connection.execute(statement)
        held = connection.execute("select claim, job from pgqueue.claim('{mail}')").fetchone()
        assert held is not None
        connection.execute(
            "select * from pgqueue.finish(array[%s]::bigint[], array[%s]::bigint[], '{dead}')", held
        )

        assert connection.execute("select * from pg_temp.jobs").fetchall() == []
        assert connection.execute("select * from pg_temp.installation").fetchall() == []


SPRUNG = "language plpgsql as $$ begin raise exception 'trapped as %', current_user; end $$"
TRAPS = (
    "create temp table jobs (id bigint, queue text)",
    "create temp table ready (id bigint)",
    "create temp table claims (id bigint)",
    "create temp table installation (id uuid, payload_limit_bytes integer)",
    f"create function trap.now() returns timestamptz {SPRUNG}",
    f"create function trap.length(text) returns integer {SPRUNG}",
    f"create function trap.cardinality(anyarray) returns integer {SPRUNG}",
    f"create function trap.unnest(bigint[]) returns setof bigint {SPRUNG}",
    f"create function trap.jsonb_typeof(jsonb) returns text {SPRUNG}",
    f"create function trap.pg_column_size(jsonb) returns integer {SPRUNG}",
    f"create function trap.less(interval, interval) returns boolean {SPRUNG}",
    "create operator trap.> (leftarg = interval, rightarg = interval, function = trap.less)",
    f"create function trap.shift(bigint, integer) returns bigint {SPRUNG}",
    "create operator trap.<< (leftarg = bigint, rightarg = integer, function = trap.shift)",
    "set search_path = pg_temp, trap, pg_catalog, pgqueue",
)


def test_the_roles_of_another_schema_are_its_own(bare_dsn: str) -> None:
    for schema in ("pgqueue", "other"):
        upgrade(bare_dsn, schema)

    with as_role(bare_dsn, "other_producer") as connection:
        assert refused(connection, ENQUEUES) == set(ENQUEUES)
        connection.execute("select other.enqueue('mail', 'send')")
