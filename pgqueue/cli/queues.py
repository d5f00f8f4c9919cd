"""`queues`: what they hold; `queues pause` and `queues resume`."""

from typing import Annotated

import typer

from pgqueue import Client
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.output import console, print_json
from pgqueue.cli.standing import queue_data, queue_table
from pgqueue.settings import SCHEMA

app = typer.Typer(help="Show the queues, pause one, or resume it.")

Name = Annotated[str, typer.Argument(help="The queue.", metavar="NAME", show_default=False)]


@app.callback(invoke_without_command=True)
def list_queues(
    context: typer.Context,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Show the queues and what they hold: a ~ marks an estimate, made where there is much to count."""
    if context.invoked_subcommand is not None:
        return
    with connected(dsn) as connection:
        found = Client(schema=schema).stats(connection=connection)
    if as_json:
        print_json([queue_data(queue) for queue in found.queues])
    elif found.queues:
        console().print(queue_table(found.queues))
    else:
        print("no queues: nothing was ever enqueued")


@app.command()
def pause(
    name: Name,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Give out no more jobs of a queue; it still takes them, and what runs goes on."""
    with connected(dsn) as connection:
        Client(schema=schema).pause(name, connection=connection)
    if as_json:
        print_json({"queue": name, "paused": True})
    else:
        print(f"queue {name} is paused")


@app.command()
def resume(
    name: Name,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Give out the jobs of a paused queue again."""
    with connected(dsn) as connection:
        Client(schema=schema).resume(name, connection=connection)
    if as_json:
        print_json({"queue": name, "paused": False})
    else:
        print(f"queue {name} goes on")
