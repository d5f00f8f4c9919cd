"""`migrate`, `status` and `downgrade`: the schema's life."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from pgqueue import migrate as schema_migrations
from pgqueue.cli import options
from pgqueue.cli.connection import connected, required
from pgqueue.cli.failures import FAILED, CommandMisused
from pgqueue.cli.output import print_json
from pgqueue.migrate import SCHEMA_NAME, Status
from pgqueue.settings import SCHEMA


def migrate(
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL of a fresh installation instead of running anything.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Install pgqueue in a database, or bring it up to this package.

    Doing it twice does no harm, and neither does doing it from two places at once.
    """
    check_name(schema)
    if sql:
        print(schema_migrations.script(schema))
        return
    check_reachable(dsn)
    schema_migrations.upgrade(required(dsn), schema)
    found = schema_migrations.status(required(dsn), schema)
    if as_json:
        print_json(as_data(found))
    else:
        print(f"schema {schema} is at migration {found.installed}")


def status(dsn: options.Dsn = None, schema: options.Schema = SCHEMA, as_json: options.AsJson = False) -> None:
    """Tell what is installed, and whether it is what this package needs (exit code 1 if not)."""
    check_name(schema)
    check_reachable(dsn)
    found = schema_migrations.status(required(dsn), schema)
    if as_json:
        print_json(as_data(found))
    else:
        print(verdict(found))
    if not found.is_current:
        raise typer.Exit(FAILED)


def downgrade(
    revision: Annotated[str, typer.Argument(help="The migration to go back to; `base` removes all of it.")],
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Go back to an older migration. `base` drops every job.

    The functions are dropped: install the package of that migration and run its `pgqueue migrate`.
    """
    check_name(schema)
    check_reachable(dsn)
    loss = "and DROP EVERY JOB" if revision == "base" else "and drop its functions"
    if not yes:
        typer.confirm(f"Take schema {schema} back to {revision} {loss}?", abort=True, err=True)
    schema_migrations.downgrade(required(dsn), revision, schema)
    if as_json:
        print_json(as_data(schema_migrations.status(required(dsn), schema)))
    else:
        print(f"schema {schema} is back at {revision}")


def as_data(found: Status) -> dict[str, Any]:
    """What is installed, for programs."""
    return asdict(found) | {"is_current": found.is_current}


def verdict(found: Status) -> str:
    """What is installed, in a line."""
    if found.installed is None:
        return f"schema {found.schema}: pgqueue is not installed; run `pgqueue migrate`"
    if found.is_current:
        return f"schema {found.schema}: at migration {found.installed}, current"
    if found.installed > found.head:
        return (
            f"schema {found.schema}: at migration {found.installed}, newer than this package ({found.head});"
            " upgrade the package"
        )
    stale = (
        f"at migration {found.installed} of {found.head}"
        if found.installed != found.head
        else "functions are not this package's"
    )
    return f"schema {found.schema}: {stale}; run `pgqueue migrate`"


def check_name(schema: str) -> None:
    """Refuse a name that no schema of ours can have. Raises CommandMisused."""
    if not SCHEMA_NAME.fullmatch(schema):
        raise CommandMisused(
            f"schema {schema!r} is not a plain lower-case name of at most 40 letters, digits and underscores"
        )


def check_reachable(dsn: str | None) -> None:
    """Refuse in one line a database that cannot be reached."""
    with connected(dsn):
        pass
