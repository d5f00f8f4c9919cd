"""Makes a fresh installation's windows short, so that many pass in minutes; never one that is in use."""

from datetime import timedelta

import psycopg
from psycopg import sql

from pgqueue import Client

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
    """Every window lasts that long from now on, in whole seconds, and so does the history."""
    with Client(dsn) as client:
        client.change_settings(ready_window=window, history_window=window, retention=window)
        with psycopg.connect(dsn) as connection:
            for (name,) in connection.execute(MADE_AHEAD).fetchall():
                connection.execute(sql.SQL("drop table pgqueue.{}").format(sql.Identifier(name)))
        client.maintain()
