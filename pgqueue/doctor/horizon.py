"""Who holds the xmin horizon, behind which vacuum clears nothing away."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pgqueue.doctor.finding import Finding

IDLE_SECONDS = 5.0  # an application that works answers its own transaction sooner
MANY_TRANSACTIONS = 1_000_000  # a slot or a standby has no time of its own: its lag is counted in these
HIDDEN = "<insufficient privilege>"

Holder = Mapping[str, Any]


def holders(rows: Sequence[Holder], longest: timedelta) -> Iterator[Finding]:
    """A problem for each that holds it too long; else who is the oldest."""
    too_long = [row for row in rows if holds_too_long(row, longest)]
    for row in too_long:
        yield Finding("horizon", "problem", f"the xmin horizon is held by {told(row)}", mend(row), facts(row))
    if not too_long:
        oldest = f"; the oldest holder is {told(rows[0])}" if rows else ""
        yield Finding(
            "horizon", "ok", f"nobody holds the xmin horizon for long{oldest}",
            facts=facts(rows[0]) if rows else {},
        )  # fmt: skip


def holds_too_long(row: Holder, longest: timedelta) -> bool:
    """Whether it is over its bound: time open, time idle, or transactions since."""
    if row["kind"] == "slot" and row["state"] == "inactive":
        return True
    if row["open_seconds"] is None:
        return bool((row["transactions"] or 0) > MANY_TRANSACTIONS)
    is_idle = (row["state"] or "").startswith("idle in transaction")
    idle_too_long = is_idle and (row["state_seconds"] or 0) > min(IDLE_SECONDS, longest.total_seconds())
    return idle_too_long or row["open_seconds"] > longest.total_seconds()


def told(row: Holder) -> str:
    """Who it is, in a line: a session by its pid and query."""
    since = (
        "" if row["open_seconds"] is None else f", open for {timedelta(seconds=round(row['open_seconds']))}"
    )
    if row["kind"] == "prepared":
        return f"prepared transaction {row['name']!r} of role {row['role']}{since}"
    if row["kind"] == "slot":
        return f"{row['state']} replication slot {row['name']!r}, {row['transactions']:,} transactions back"
    if row["kind"] == "standby":
        return f"a query on the standby of walsender pid {row['name']} ({row['client']})"
    by = f" ({row['application']})" if row["application"] else ""
    who = f"pid {row['name']}{by} of role {row['role']} from {row['client']}"
    return f"{who}{since}, {row['state']}: {row['query']}"


def mend(row: Holder) -> str:
    """What ends it."""
    if row["kind"] == "prepared":
        return f"Commit it, or: rollback prepared '{row['name']}'."
    if row["kind"] == "slot":
        return f"Let its reader catch up, or: select pg_drop_replication_slot('{row['name']}')."
    if row["kind"] == "standby":
        return "End the long query there, or switch hot_standby_feedback off."
    ended = f"Let it commit, or: select pg_terminate_backend({row['name']})."
    if row["query"] == HIDDEN:
        return f"{ended} To see its query: grant pg_read_all_stats to the role you look with."
    if (row["state"] or "").startswith("idle in transaction"):
        return f"{ended} idle_in_transaction_session_timeout would end such sessions."
    return ended


def facts(row: Holder) -> dict[str, Any]:
    """The holder, for programs."""
    known = {key: value for key, value in row.items() if value is not None}
    return known | ({"pid": int(row["name"])} if row["kind"] in {"session", "standby"} else {})
