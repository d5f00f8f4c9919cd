"""Makes a fresh installation's windows short, so that many pass in minutes; never one that is in use."""

from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

SHORTEN = """
update pgqueue.installation
set ready_window = %(window)s, history_window = %(window)s, retention = %(window)s
"""
# Made under the old length they would have to pass first. Nothing is in them: nobody has been here yet.
MADE_AHEAD = """
select leaf.relname
from pg_inherits
join pg_class as leaf on leaf.oid = pg_inherits.inhrelid
where leaf.relnamespace = 'pgqueue'::regnamespace
    and leaf.relkind = 'r'
    and pg_get_expr(leaf.relpartbound, leaf.oid) like 'FOR VALUES%'
    and pg_get_expr(leaf.relpartbound, leaf.oid) not like '%MAXVALUE%'
"""


def shorten_windows(dsn: str, window: timedelta) -> None:
    """Every window lasts that long from now on, and so does the history."""
    with psycopg.connect(dsn) as connection:
        connection.execute(SHORTEN, {"window": window})
        _drop(connection, [name for (name,) in connection.execute(MADE_AHEAD).fetchall()])
    with psycopg.connect(dsn) as connection:
        connection.execute("select pgqueue.make_partitions()")


def _drop(connection: psycopg.Connection[Any], names: list[str]) -> None:
    for name in names:
        connection.execute(sql.SQL("drop table pgqueue.{}").format(sql.Identifier(name)))
