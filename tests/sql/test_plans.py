"""Tests that no statement's cost grows with the backlog, whatever the planner has been told of it.

Plans come from auto_explain inside our functions; work is compared by buffers touched, never by time.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.conftest import Server
from tests.sql.session import Row, Session

pytestmark = pytest.mark.slow

MANY = 1_000_000
FEW = 1_000
BATCH = 100
BUNDLE = 40  # no divisor of a batch: a claim leaves something of the last one
BIG = ("jobs", "ready", "outcomes", "dead_letters", "progress", "cancellations")
ROOM = 1.7  # an index over a million is a level or two deeper than one over a thousand
SLACK_BUFFERS = 40
STATISTICS = ("none", "lying", "honest")
EXPLAIN = """
    load 'auto_explain';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_nested_statements = on;
    set auto_explain.log_analyze = on;
    set auto_explain.log_timing = off;
    set auto_explain.log_buffers = on;
    set auto_explain.log_format = json;
    set auto_explain.log_level = notice;
    set client_min_messages = notice;
    set jit = off;
"""
# A backlog as enqueue_many would have written it, each bundle a microsecond after the one before, spread over
# the windows that end now; only much faster.
FILL = """
    with body as (
        select
            number, pgqueue.first_id(moment) | ((number & 16383) << 6) as id, moment
        from generate_series(1, %(count)s / %(size)s) as number
        cross join lateral (
            select pgqueue.now() - interval '1 second'
                - (number %% %(windows)s) * interval '1 hour' + number * interval '1 microsecond' as moment
        ) as spread
    ),
    bodies as (
        insert into pgqueue.jobs (id, priority, max_attempts, keep_result, size, queue, task, payloads)
        select
            id, 5, 5, false, %(size)s, 'mail', 'send',
            array_fill('{"user_id": 1, "address": "somebody@example.com"}'::jsonb, array[%(size)s])
        from body
    )
    insert into pgqueue.ready (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
    select id, moment, moment, 5, 0, 5, %(size)s, 'mail'
    from body
"""
# Urgent, but later. Nobody looks at their bodies.
FILL_SCHEDULED = """
    insert into pgqueue.ready (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
    select
        number << 6, moment, moment + interval '10 minutes' + number * interval '1 microsecond',
        0, 0, 5, 1, 'mail'
    from generate_series(1, %(count)s) as number
    cross join pgqueue.now() as moment
"""


class Node(NamedTuple):
    """One node of a plan."""

    kind: str
    relation: str | None
    rows: float
    buffers: int


class Plans:
    """The plans of what ran inside our functions."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.texts: list[str] = []
        session.connection.add_notice_handler(lambda notice: self.texts.append(notice.message_primary or ""))
        session.run(EXPLAIN)

    def of(self, work: "Work") -> list[Node]:
        """The nodes of every plan that ran in the second step of some work; all of it is rolled back."""
        with self.session.transaction():
            prepared = work.prepare(self.session)
            self.texts.clear()
            work.act(self.session, prepared)
            raise psycopg.Rollback
        return [node for text in self.texts if "plan:" in text for node in flat(parse(text))]


class Work(NamedTuple):
    """Something done to a batch: what has to be there first, and the doing."""

    prepare: Callable[[Session], Any]
    act: Callable[[Session, Any], Any]


def nothing(session: Session) -> None:
    """Needs nothing to be there."""


def first(session: Session) -> int:
    """The job that would be claimed next."""
    found: int = session.value("select id from pgqueue.list_jobs(in_state => 'waiting', max_jobs => 1)")
    return found


def hold(session: Session) -> list[Row]:
    """A batch under a lease."""
    return session.claim(max_jobs=BATCH, worker=7)


def let_expire(session: Session) -> list[Row]:
    """A batch whose lease ran out."""
    held = hold(session)
    session.run("update pgqueue.claims set expires_at = pgqueue.now() - interval '1 second'")
    return held


def end(session: Session) -> list[Row]:
    """A batch that succeeded."""
    held = hold(session)
    session.call("finish_all", claims=[held[0].claim])
    return held


def finish_each(session: Session, held: list[Row]) -> None:
    """A batch of which some succeed, some fail, some die and some go back."""
    session.finish(held, *(["succeeded", "failed", "dead", "returned"] * (BATCH // 4)))


WORKS = {
    "claim": Work(nothing, lambda session, _: session.claim(max_jobs=BATCH)),
    "claim one": Work(nothing, lambda session, _: session.claim()),
    "claim nothing": Work(nothing, lambda session, _: session.claim("empty", max_jobs=BATCH)),
    "finish": Work(hold, finish_each),
    "finish_all": Work(hold, lambda session, held: session.call("finish_all", claims=[held[0].claim])),
    "complete": Work(hold, lambda session, held: session.complete(held[0])),
    "extend": Work(hold, lambda session, held: session.extend(held[0].claim)),
    "reap": Work(let_expire, lambda session, _: session.reap()),
    "reap a dead worker": Work(hold, lambda session, _: session.reap(dead=[7])),
    "enqueue": Work(nothing, lambda session, _: session.enqueue()),
    "enqueue_many": Work(nothing, lambda session, _: session.enqueue_many(BATCH)),
    "get_job": Work(hold, lambda session, held: session.get(held[-1].job)),
    "states_of": Work(hold, lambda session, held: session.call("states_of", jobs=[row.job for row in held])),
    "get_job of one that ended": Work(end, lambda session, held: session.get(held[-1].job)),
    "states_of those that ended": Work(
        end, lambda session, held: session.call("states_of", jobs=[row.job for row in held])
    ),
    "cancel": Work(hold, lambda session, held: session.call("cancel", job=held[-1].job)),
    "queue_stats": Work(nothing, lambda session, _: session.call("queue_stats", bound=100)),
    "reprioritise": Work(first, lambda session, job: session.call("reprioritise", jobs=[job], priority=0)),
    "list_jobs": Work(hold, lambda session, _: session.call("list_jobs")),
    "list_jobs waiting": Work(nothing, lambda session, _: session.call("list_jobs", in_state="waiting")),
    "list_jobs running": Work(hold, lambda session, _: session.call("list_jobs", in_state="running")),
    "list_jobs of a rare task": Work(
        nothing, lambda session, _: session.call("list_jobs", of_task="none", max_looked=500)
    ),
    "next_due": Work(nothing, lambda session, _: session.call("next_due", queues=["mail"])),
}


def parse(text: str) -> dict[str, Any]:
    """The plan in a notice of auto_explain."""
    found: dict[str, Any] = json.loads(text.split("plan:", 1)[1])["Plan"]
    return found


def flat(plan: dict[str, Any]) -> Iterator[Node]:
    """The plan's nodes; buffers are each node's own, without its children's."""
    children = plan.get("Plans", [])
    touched = buffers(plan) - sum(buffers(child) for child in children)
    yield Node(
        plan["Node Type"], plan.get("Relation Name"), plan["Actual Rows"] * plan["Actual Loops"], touched
    )
    for child in children:
        yield from flat(child)


def buffers(plan: dict[str, Any]) -> int:
    """The buffers a node and all below it touched."""
    found: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return found


def is_big(relation: str | None) -> bool:
    """Whether a relation is one of those that grow with the backlog or the history."""
    return relation is not None and relation.startswith(BIG)


def check(name: str, nodes: list[Node]) -> None:
    """What is big is reached by an index or by place, `ready` in order; only batches are sorted."""
    assert nodes, name
    assert [node for node in nodes if node.kind == "Seq Scan" and is_big(node.relation)] == [], name
    assert [
        node for node in nodes if "Bitmap" in node.kind and (node.relation or "").startswith("ready")
    ] == [], name
    assert [node for node in nodes if "Sort" in node.kind and node.rows > 10 * BATCH] == [], name


def touched(nodes: list[Node]) -> int:
    """The buffers touched by all of it."""
    return sum(node.buffers for node in nodes)


def tell_statistics(session: Session, kind: str) -> None:
    """What the planner knows: nothing, that all is empty (analysed before it was filled), or the truth."""
    session.run("analyze")
    if kind == "honest":
        return
    reltuples = {"none": -1, "lying": 0}[kind]
    ours = "select oid from pg_catalog.pg_class where relnamespace = 'pgqueue'::regnamespace"
    session.run(
        f"update pg_catalog.pg_class set reltuples = %s, relpages = 0 where oid in ({ours})", reltuples
    )
    session.run(f"delete from pg_catalog.pg_statistic where starelid in ({ours})")


class Backlogs:
    """Databases with a backlog, each filled when a test first asks for it and kept for the others."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack
        self._sessions: dict[tuple[int, int, int, bool], Session] = {}
        self._told: dict[tuple[int, int, int, bool], str] = {}

    def get(
        self, count: int, statistics: str, *, windows: int = 1, size: int = 1, scheduled: bool = False
    ) -> Plans:
        """Plans in a database with so many jobs waiting, in bundles of that size, over so many windows."""
        key = (count, windows, size, scheduled)
        if key not in self._sessions:
            dsn = self._stack.enter_context(self._server.database(self._server.template()))
            connection = self._stack.enter_context(psycopg.connect(dsn, autocommit=True))
            self._sessions[key] = Session(connection)
            fill(self._sessions[key], count, windows, size, scheduled=scheduled)
        if self._told.get(key) != statistics:
            tell_statistics(self._sessions[key], statistics)
            self._told[key] = statistics
        connection = psycopg.connect(self._sessions[key].connection.info.dsn, autocommit=True)
        return Plans(Session(self._stack.enter_context(connection)))


@pytest.fixture(scope="module")
def backlogs(server: Server) -> Iterator[Backlogs]:
    with ExitStack() as stack:
        yield Backlogs(server, stack)


def fill(session: Session, count: int, windows: int, size: int, *, scheduled: bool) -> None:
    """A backlog over that many windows; with `scheduled`, a thousand due and the rest urgent, but later."""
    session.run(
        "select pgqueue.make_window('ready', low, low + interval '1 hour')"
        " from generate_series(1, %s) as back, date_trunc('hour', pgqueue.now()) as this,"
        " lateral (select this - back * interval '1 hour' as low) as bounds",
        windows,
    )
    session.run("insert into pgqueue.queues (name, created_at) values ('mail', pgqueue.now())")
    session.run(FILL, {"count": FEW if scheduled else count, "windows": windows, "size": size})
    if scheduled:
        session.run(FILL_SCHEDULED, {"count": count})


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize(("windows", "count", "size"), [(1, MANY, 1), (40, MANY // 5, 1), (1, MANY, BUNDLE)])
def test_a_million_waiting_cost_what_a_thousand_do(
    backlogs: Backlogs, statistics: str, windows: int, count: int, size: int
) -> None:
    few = backlogs.get(FEW * windows, statistics, windows=windows, size=size)
    many = backlogs.get(count, statistics, windows=windows, size=size)

    for name, work in WORKS.items():
        small, large = few.of(work), many.of(work)
        check(name, small)
        check(name, large)
        assert touched(large) <= ROOM * touched(small) + SLACK_BUFFERS, (name, touched(small), touched(large))


@pytest.mark.parametrize("statistics", STATISTICS)
def test_a_million_urgent_jobs_that_come_later_are_not_walked(backlogs: Backlogs, statistics: str) -> None:
    few = backlogs.get(FEW, statistics, scheduled=True)
    many = backlogs.get(MANY, statistics, scheduled=True)

    for name in ("claim", "claim one", "next_due", "list_jobs waiting"):
        small, large = few.of(WORKS[name]), many.of(WORKS[name])
        check(name, large)
        assert touched(large) <= ROOM * touched(small) + SLACK_BUFFERS, (name, touched(small), touched(large))


def test_what_steers_the_planner_also_keeps_the_compiler_out(session: Session) -> None:
    """Before PostgreSQL 18 an unavoidable node that is off costs so much that each call is compiled anew."""
    forgotten = session.run(
        "select proname from pg_catalog.pg_proc where pronamespace = 'pgqueue'::regnamespace"
        " and prosecdef"
        " and exists (select from unnest(proconfig) as setting where setting ~ '^enable_.*=off$')"
        " and not 'jit=off' = any (proconfig)"
    )

    assert forgotten == []
