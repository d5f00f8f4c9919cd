"""`workers`: who works here."""

import typer

from pgqueue import Client
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.output import console, print_json
from pgqueue.cli.standing import worker_data, worker_table
from pgqueue.settings import SCHEMA

app = typer.Typer(help="Show the workers.")


@app.callback(invoke_without_command=True)
def list_workers(
    context: typer.Context,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Show the workers, whether they live, and what they hold."""
    if context.invoked_subcommand is not None:
        return
    with connected(dsn) as connection:
        found = Client(schema=schema).stats(connection=connection)
    if as_json:
        print_json([worker_data(worker) for worker in found.workers])
    elif found.workers:
        console().print(worker_table(found.workers))
    else:
        print("no workers")
