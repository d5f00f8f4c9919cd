"""The state of the house: windows made and dropped, what vacuum should clear, who works."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pgqueue.doctor.finding import Finding

MAINTAIN = "Run a worker, or `pgqueue maintain` once a minute from cron"
MANY_DEAD = 100_000  # rows; fewer cost a walk of some milliseconds
WAITED_SECONDS = 60.0  # long enough for a worker that restarts

Row = Mapping[str, Any]


def partitions(rows: Sequence[Row]) -> Iterator[Finding]:
    """Windows missing or overdue, and rows that came where no window was."""
    found = [finding for row in rows for finding in windows(row)]
    yield from found
    if not found:
        yield Finding("partitions", "ok", "made ahead for every table, and dropped when past")


def windows(row: Row) -> Iterator[Finding]:
    """What is wrong with one table's."""
    table, facts = row["parent"], dict(row)
    if row["lacks_this"] or row["lacks_next"] or row["lacks_default"]:
        which = (
            "default one" if row["lacks_default"] else "window of now" if row["lacks_this"] else "next window"
        )
        cause = f"{table} lacks a partition, the {which}: nobody made it ahead"
        yield Finding("partitions", "problem", cause, f"{MAINTAIN}; it makes what is missing.", facts)
    if row["overdue"]:
        since = timedelta(seconds=round(row["overdue_seconds"]))
        cause = f"{row['overdue']} windows of {table} should have been dropped, the oldest {since} ago"
        mend = f"{MAINTAIN}; it tells of each what is in its way: a long transaction, such as pg_dump's."
        yield Finding("partitions", "problem", cause, mend, facts)
    if row["default_bytes"]:
        cause = f"the default partition of {table} holds {row['default_bytes']:,} bytes: a window was missing"
        yield Finding(
            "partitions", "advice", cause, f"{MAINTAIN}; it empties it once its time is past.", facts
        )


def bloat(rows: Sequence[Row]) -> Iterator[Finding]:
    """Dead rows that pile up where no window is dropped, and tables that vacuum was told to pass by."""
    found = False
    for row in rows:
        facts = dict(row)
        if row["is_switched_off"]:
            found = True
            mend = f"alter table {row['relation']} reset (autovacuum_enabled)."
            cause = f"autovacuum is switched off for {row['relation']}"
            yield Finding("bloat", "problem", cause, mend, facts)
        if row["dead"] > MANY_DEAD and row["dead"] > row["live"]:
            found = True
            cause = (
                f"{row['relation']} has {row['dead']:,} dead rows to {row['live']:,} living ones,"
                f" {row['size_bytes']:,} bytes; last vacuumed: {row['vacuumed_at'] or 'never'}"
            )
            mend = f"Free the horizon if it is held, then: vacuum {row['relation']}."
            yield Finding("bloat", "problem", cause, mend, facts)
    if not found:
        dead = sum(row["dead"] for row in rows)
        yield Finding("bloat", "ok", f"{dead:,} dead rows outside the windows that are dropped")


def workers(rows: Sequence[Row]) -> Iterator[Finding]:
    """Queues in which jobs are due and nobody takes them."""
    found = False
    for row in rows:
        waited = row["waiting_seconds"] or 0
        if row["is_paused"] or row["workers"] or waited < WAITED_SECONDS:
            continue
        found = True
        since = timedelta(seconds=round(waited))
        cause = f"queue {row['queue']} has jobs due since {since}, and no worker serves it"
        mend = f"Start one: pgqueue worker MODULE --queue {row['queue']}."
        yield Finding("workers", "problem", cause, mend, dict(row))
    if not found:
        yield Finding("workers", "ok", "every queue with jobs due is served, or paused")
