"""The partitions as tests of them see and arrange them; it must never depend on the hour of the day."""

from tests.sql.session import Row, Session

LEAVES = """
    select
        child.relname as name,
        parent.relname as parent,
        pg_get_expr(child.relpartbound, child.oid) as bounds
    from pg_catalog.pg_inherits
    join pg_catalog.pg_class as child on child.oid = inhrelid
    join pg_catalog.pg_class as parent on parent.oid = inhparent and parent.relkind = 'p'
    where child.relnamespace = 'pgqueue'::regnamespace and child.relkind = 'r'
    order by child.relname
"""


def leaves(session: Session, parent: str | None = None) -> list[Row]:
    """The partitions there are, of one table or of all."""
    return [row for row in session.run(LEAVES) if parent in (None, row.parent)]


def only_windows_of_now(session: Session) -> None:
    """Those that the database's clock asks for, without the template's, made by the server's clock."""
    for row in leaves(session):
        if row.bounds != "DEFAULT" and "infinity" not in row.bounds:
            session.run(f"drop table pgqueue.{row.name}")
    session.call("make_partitions")
