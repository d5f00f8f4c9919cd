"""Installs and upgrades the schema: alembic runs the tables' migrations, functions and views are made anew.

It must never leave a half-made schema: all of it is one transaction.
"""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from pgqueue.assets import migrations_folder, sql_files, sql_folder
from pgqueue.settings import SCHEMA
from pgqueue.version import TOPICS, functions_digest, head

ALEMBICS_CONTEXT = threading.Lock()  # alembic keeps what it works on in its module: one thread at a time
SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")  # a partition's name, and a role's, must fit beside it


@dataclass(frozen=True, slots=True)
class Status:
    """What is installed, beside what this package brings.

    installed: the schema's migration, or None if there is none. head: this package's newest.
    functions_current: whether the functions are this package's.
    """

    schema: str
    installed: str | None
    head: str
    functions_current: bool

    @property
    def is_current(self) -> bool:
        """Whether nothing is left to migrate."""
        return self.installed == self.head and self.functions_current


def upgrade(dsn: str, schema: str = SCHEMA, revision: str = "head") -> None:
    """Install pgqueue, or bring it up to this package. Doing it twice does no harm; two at once take turns.

    schema: a plain lower-case name of at most 40 characters. Raises ValueError for another.
    """
    with ALEMBICS_CONTEXT, transaction(dsn) as connection:
        command.upgrade(alembic_config(schema, connection, with_functions=revision == "head"), revision)


def downgrade(dsn: str, revision: str, schema: str = SCHEMA) -> None:
    """Back to an older migration, or to `base`, which drops every job.

    The functions are dropped: install the package of that migration and upgrade with it.
    """
    with ALEMBICS_CONTEXT, transaction(dsn) as connection:
        command.downgrade(alembic_config(schema, connection, with_functions=False), revision)


def script(schema: str = SCHEMA) -> str:
    """The SQL of a fresh installation, for a DBA to read or to run."""
    config = alembic_config(schema, None, with_functions=True)
    config.output_buffer = output = io.StringIO()
    with ALEMBICS_CONTEXT:
        command.upgrade(config, "head", sql=True)
    return output.getvalue()


def status(dsn: str, schema: str = SCHEMA) -> Status:
    """What is installed there, if anything."""
    check_name(schema)
    installed, digest = None, None
    with transaction(dsn) as connection:
        try:
            found = raw(connection).execute(for_schema("select * from pgqueue.version()", schema))
            installed, digest = found.fetchone() or (None, None)
        except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction):
            connection.rollback()
    return Status(schema, installed, head(), digest == functions_digest())


def run_migrations() -> None:
    """What env.py does: lock, migrate, make functions and views anew."""
    attributes = context.config.attributes
    connection = attributes["connection"]
    context.configure(
        connection=connection,
        dialect_name=None if connection else "postgresql",
        version_table_schema=attributes["schema"],
        transactional_ddl=True,
    )
    with context.begin_transaction():
        run_sql(install_step("lock"))
        run_sql(install_step("drop_functions"))
        context.run_migrations()
        if attributes["with_functions"]:
            install_functions()


def install_functions() -> None:
    """Functions, views, roles and grants of this package, and the first partitions."""
    run_sql("set local check_function_bodies = off;")  # they name each other in any order
    for topic in TOPICS:
        for _, text in sql_files(topic):
            run_sql(text)
    run_sql(install_step("roles"))
    run_sql(install_step("finish").replace("DIGEST", functions_digest()))


def run_file(name: str) -> None:
    """Run one of the migrations' SQL files. For the migrations' own use."""
    run_sql((migrations_folder() / "versions" / name).read_text(encoding="utf-8"))


def run_sql(text: str) -> None:
    """Run a file's statements in the migration's transaction, or print them with --sql.

    They go to the driver's own connection: SQLAlchemy would read their colons and percent signs.
    """
    running = context.get_context()
    statements = for_schema(text, context.config.attributes["schema"])
    if running.as_sql:
        running.impl.static_output(statements)
    else:
        raw(context.config.attributes["connection"]).execute(statements.encode())


def install_step(name: str) -> str:
    """One of the steps in sql/install."""
    return (sql_folder() / "install" / f"{name}.sql").read_text(encoding="utf-8")


def for_schema(text: str, schema: str) -> str:
    """The SQL for an installation elsewhere: the files say `pgqueue`, roles are named after it."""
    return re.sub(r"\bpgqueue(?=\b|_(producer|worker|admin)\b)", schema, text)


def alembic_config(schema: str, connection: Connection | None, *, with_functions: bool) -> Config:
    """What env.py is told."""
    check_name(schema)
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes.update(schema=schema, connection=connection, with_functions=with_functions)
    return config


def check_name(schema: str) -> None:
    """Raise ValueError for a schema that is no plain name: it becomes part of the SQL."""
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(
            f"schema {schema!r} is not a plain lower-case name of at most 40 letters, digits and underscores"
        )


@contextmanager
def transaction(dsn: str) -> Iterator[Connection]:
    """A connection in one transaction, committed at the end."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def raw(connection: Connection) -> "psycopg.Connection[Any]":
    """The driver's connection below; SQLAlchemy has begun its transaction by then."""
    below: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return below
