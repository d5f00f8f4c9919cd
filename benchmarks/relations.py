"""Samples sizes and dead tuples while partitions come and go; it must never wait for, or stop, a drop."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

# A partition counts for its parent. Its own name is read from the catalog, not cast to regclass, and the
# size of a relation that is dropped meanwhile is null.
SAMPLE = """
select
    coalesce(parent.relname, relation.relname)::text,
    coalesce(sum(pg_total_relation_size(relation.oid)), 0)::bigint,
    coalesce(sum(pg_stat_get_dead_tuples(relation.oid)), 0)::bigint
from pg_class as relation
left join pg_inherits on pg_inherits.inhrelid = relation.oid
left join pg_class as parent on parent.oid = pg_inherits.inhparent
where relation.relkind = 'r'
    and relation.relnamespace = any (array(
        select oid from pg_namespace where nspname in ('pgqueue', 'public')
    ))
group by 1
"""
GONE = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedObject, psycopg.errors.LockNotAvailable)
TRIES = 20
LOCK_TIMEOUT = "20ms"  # shorter than the maintenance's own: we give way


@dataclass(frozen=True)
class Sample:
    """What one relation, its partitions included, takes on disk and holds of dead tuples."""

    size_bytes: int
    dead_tuples: int


class Relations:
    """Looks at the relations of a system's database, over a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self._connection: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True)
        self._connection.execute("select set_config('lock_timeout', %s, false)", (LOCK_TIMEOUT,))
        self._last: Mapping[str, Sample] = {}

    def sample(self) -> Mapping[str, Sample]:
        """Every relation now; as last seen where maintenance is always in the way."""
        for _ in range(TRIES):
            try:
                found = self._connection.execute(SAMPLE).fetchall()
            except GONE:  # dropped while we looked: look again
                continue
            self._last = {name: Sample(size, dead) for name, size, dead in found}
            break
        return self._last

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()


def dead_tuples(dsn: str) -> dict[str, int]:
    """Dead tuples by relation, as the server's statistics have them, where there are any."""
    relations = Relations(dsn)
    try:
        return {
            name: seen.dead_tuples for name, seen in sorted(relations.sample().items()) if seen.dead_tuples
        }
    finally:
        relations.close()
