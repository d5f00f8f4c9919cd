"""`queue pause` and `queue resume`."""

from typing import Annotated

import typer

from pgqueue import Client
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.settings import SCHEMA

app = typer.Typer(help="Pause a queue, or resume it.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The queue.", metavar="NAME", show_default=False)]


@app.command()
def pause(name: Name, dsn: options.Dsn = None, schema: options.Schema = SCHEMA) -> None:
    """Give out no more jobs of a queue; it still takes them, and what runs goes on."""
    with connected(dsn) as connection:
        Client(schema=schema).pause(name, connection=connection)
    print(f"queue {name} is paused")


@app.command()
def resume(name: Name, dsn: options.Dsn = None, schema: options.Schema = SCHEMA) -> None:
    """Give out the jobs of a paused queue again."""
    with connected(dsn) as connection:
        Client(schema=schema).resume(name, connection=connection)
    print(f"queue {name} goes on")
