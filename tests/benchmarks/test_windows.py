from datetime import timedelta
from typing import Any

import psycopg

from benchmarks.windows import shorten_windows


def test_short_windows_begin_at_once(dsn: str, connection: psycopg.Connection[Any]) -> None:
    shorten_windows(dsn, timedelta(minutes=1))

    connection.execute("select pgqueue.enqueue(queue => 'q', task => 't')")
    found = connection.execute(
        "select tableoid::regclass::text from pgqueue.ready"
        " union all select tableoid::regclass::text from pgqueue.jobs"
    ).fetchall()

    assert len(found) == 2
    assert not [name for (name,) in found if name.endswith(("_default", "_late"))]
