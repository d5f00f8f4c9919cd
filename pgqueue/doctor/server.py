"""The server and the way to it: settings that hurt, room left, poolers, clocks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pgqueue.doctor.finding import Finding, Level

FULL = 0.9
NOTIFICATIONS_FULL = 0.5  # beyond three quarters no word is said, and workers only poll
SKEW = timedelta(seconds=2)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A setting, when it hurts, what comes of it and what mends it."""

    name: str
    hurts: Callable[[str], bool]
    level: Level
    why: str
    mend: str


def is_off(value: str) -> bool:
    """For a switch."""
    return value == "off"


def is_zero(value: str) -> bool:
    """For a number whose zero switches it off."""
    return value == "0"


def below(bound: int) -> Callable[[str], bool]:
    """For a number, none or zero meaning without bound."""
    return lambda value: 0 < int(value) < bound


RULES = (
    Rule("server_version_num", lambda value: int(value) < 150_000, "problem",
         "PostgreSQL 15 is the oldest that works", "Upgrade the server."),
    Rule("fsync", is_off, "problem", "a crash of the server may destroy every job", "Switch fsync on."),
    Rule("full_page_writes", is_off, "problem",
         "a crash of the server may tear pages apart", "Switch full_page_writes on."),
    Rule("autovacuum", is_off, "problem", "nothing clears dead rows away", "Switch autovacuum on."),
    Rule("track_counts", is_off, "problem", "autovacuum does not see what it should clear",
         "Switch track_counts on."),
    Rule("autovacuum_naptime", lambda value: int(value) > 300, "advice",
         "dead rows lie about for more than five minutes", "Set autovacuum_naptime to 1min."),
    Rule("synchronous_commit", is_off, "problem", "what was enqueued last is lost in a crash of the server",
         "Leave synchronous_commit on; workers relax by themselves what may be lost."),
    Rule("default_transaction_isolation", lambda value: value != "read committed", "problem",
         "partitions cannot be kept under it", "Reset it for the queue's roles."),
    Rule("default_transaction_read_only", lambda value: value == "on", "problem",
         "nothing can be enqueued", "Connect to the primary, or reset it for this role."),
    Rule("transaction_timeout", below(60_000), "advice", "large enqueues and maintenance are ended",
         "Give the queue's roles a minute or more."),
    Rule("statement_timeout", below(10_000), "advice", "large enqueues and maintenance are ended",
         "Give the queue's roles ten seconds or more."),
    Rule("idle_in_transaction_session_timeout", is_zero, "advice",
         "a session that forgets its transaction holds the horizon for ever",
         "Set idle_in_transaction_session_timeout, to 10min for instance."),
    Rule("max_locks_per_transaction", below(64), "advice", "a statement locks every partition it may touch",
         "Leave max_locks_per_transaction at 64 or more."),
)  # fmt: skip


def settings(rows: Sequence[Row]) -> Iterator[Finding]:
    """Those that hurt; an older server lacks some."""
    values = {row["name"]: row for row in rows}
    hurting = [rule for rule in RULES if rule.name in values and rule.hurts(values[rule.name]["value"])]
    for rule in hurting:
        row = values[rule.name]
        cause = f"{rule.name} is {row['value']}{row['unit'] or ''}: {rule.why}"
        yield Finding("settings", rule.level, cause, rule.mend, {"name": rule.name, "value": row["value"]})
    if not hurting:
        yield Finding("settings", "ok", f"none of {len(RULES)} looked at hurts")


def connections(rows: Sequence[Row]) -> Iterator[Finding]:
    """Whether the server, or its queue of notifications, is nearly full."""
    (row,) = rows
    used, most, words = row["connections"], row["most_connections"], row["notifications_used"]
    seen = f"{used} of {most} connections are taken"
    if used > FULL * most:
        mend = "Raise max_connections, put PgBouncer in between, or close idle ones."
        yield Finding("connections", "problem", seen, mend, dict(row))
    else:
        yield Finding("connections", "ok", seen, facts=dict(row))
    if words > NOTIFICATIONS_FULL:
        cause = f"the queue of notifications is {words:.0%} full: a session listens and does not read"
        mend = (
            "Find it by its long transaction in pg_stat_activity (its query is LISTEN or later), and end it."
        )
        yield Finding("notifications", "problem", cause, mend, dict(row))


def session(greeted: int, rows: Sequence[Row]) -> Iterator[Finding]:
    """Whether another process answers than the one that greeted, and whether it may write."""
    (row,) = rows
    if row["is_standby"]:
        cause = "this is a standby: nothing can be enqueued or claimed here"
        yield Finding("primary", "problem", cause, "Connect to the primary: target_session_attrs=read-write.")
    if row["pid"] == greeted:
        yield Finding("pooler", "ok", "the connection is direct")
    else:
        cause = f"a pooler stands in between: process {row['pid']} answers, {greeted} greeted"
        mend = "Enqueueing works as it is; give workers a direct connection beside: --watch-dsn."
        yield Finding("pooler", "advice", cause, mend)


def clock(ahead: timedelta, doubt: timedelta) -> Finding:
    """The server's clock beside ours. The queue goes by the server's alone; applications' moments do not."""
    seconds = ahead.total_seconds()
    facts = {"ahead_seconds": round(seconds, 3), "doubt_seconds": round(doubt.total_seconds(), 3)}
    if abs(ahead) - doubt <= SKEW:
        return Finding("clock", "ok", f"the server's is {seconds:+.3f} s from this machine's", facts=facts)
    cause = f"the server's is {seconds:+.1f} s from this machine's: a run_at made here is off by as much"
    mend = "Let both follow NTP; in jobs give a delay rather than a moment."
    return Finding("clock", "advice", cause, mend, facts)
