"""Holds the xmin horizon as a forgotten transaction does; it must never write."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def horizon(dsn: str, *, is_pinned: bool) -> Iterator[None]:
    """Pinned: a session that has read something, repeatable read, and does nothing more."""
    if not is_pinned:
        yield
        return
    with psycopg.connect(dsn) as holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.execute("select count(*) from pg_class")
        yield
        holder.rollback()
