"""The columns each call expects are those the database answers with, in the same order and types."""

import psycopg
import pytest

from pgqueue.calls import claim, dead_letters, jobs, lease, stats
from pgqueue.calls.call import Function

ANSWERING = [
    claim.CLAIM,
    jobs.GET_JOB,
    dead_letters.LIST_DEAD,
    lease.EXTEND,
    stats.QUEUE_STATS,
    stats.WORKER_STATS,
    stats.RELATION_STATS,
    stats.HORIZON_HOLDERS,
]
SHORT = {"timestamp with time zone": "timestamptz", "timestamp with time zone[]": "timestamptz[]"}


@pytest.mark.parametrize("function", ANSWERING, ids=lambda function: function.name)
def test_the_declared_answer_is_the_real_one(function: Function, home: str) -> None:
    with psycopg.connect(home) as connection:
        (kind,) = connection.execute(
            "select prorettype::regtype::text from pg_proc"
            " where proname = %s and pronamespace = 'pgqueue'::regnamespace",
            [function.name],
        ).fetchone() or ("",)
        found = connection.execute(
            "select attname, format_type(atttypid, null) from pg_attribute"
            " where attrelid = to_regclass(%(kind)s) and attnum > 0"
            " union all"
            " select name, format_type(type, null)"
            " from pg_proc, unnest(proargnames, proallargtypes, proargmodes) as part (name, type, mode)"
            " where proname = %(name)s and pronamespace = 'pgqueue'::regnamespace and mode = 't'",
            {"kind": kind, "name": function.name},
        ).fetchall()

    assert [(name, SHORT.get(sql_type, sql_type)) for name, sql_type in found] == list(function.answer)
