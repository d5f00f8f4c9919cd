"""`maintain`: one round of keeping the house, for cron and for installations without workers."""

from typing import Any

import psycopg

from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.output import print_json
from pgqueue.drivers.psycopg import run
from pgqueue.maintenance import Maintenance, maintenance
from pgqueue.settings import SCHEMA

MEANINGS = {
    "dropped": "dropped",
    "carried": "more waits in it than one round carries forward; the next goes on",
    "emptied": "emptied; a transaction is open on its table, a later round drops it",
    "needed": "still needed",
    "locked": "in use, left for a later round",
}


def maintain(
    dsn: options.Dsn = None, schema: options.Schema = SCHEMA, as_json: options.AsJson = False
) -> None:
    """Keep the house once: make partitions ahead, drop those whose time is past.

    Workers do this by themselves, one of them once a minute. For cron, where none is running.
    What is in use is not waited for; the next round comes by again.
    """
    with connected(dsn) as connection:
        done = one_round(connection, schema)
    if as_json:
        print_json(as_data(done))
    else:
        print("\n".join(lines(done)))


def one_round(connection: "psycopg.Connection[Any]", schema: str) -> Maintenance:
    """Run the script, each of its calls in a transaction of its own."""
    script = maintenance()
    answer = None
    while True:
        try:
            call = script.send(answer)
        except StopIteration as done:
            found: Maintenance = done.value
            return found
        answer = run(connection, call, schema)


def lines(done: Maintenance) -> list[str]:
    """What was done, for people."""
    told = [f"partitions made ahead: {done.made}"]
    told += [f"{table}: in use, a partition of it is made in a later round" for table in done.locked]
    told += [f"{window.name}: {MEANINGS[fate]}" for window, fate in done.fates]
    if done.emptied:
        told.append(f"rows moved out of default partitions: {done.emptied}")
    if done.deleted:
        told.append(f"old rows deleted: {done.deleted}")
    return told


def as_data(done: Maintenance) -> dict[str, Any]:
    """What was done, for programs."""
    return {
        "made": done.made,
        "locked": list(done.locked),
        "windows": [
            {
                "table": window.parent,
                "partition": window.name,
                "from": window.low,
                "to": window.high,
                "fate": fate,
            }
            for window, fate in done.fates
        ],
        "emptied": done.emptied,
        "deleted": done.deleted,
    }
