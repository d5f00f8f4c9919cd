"""`workers`: who works here; `workers pause` and `workers resume`."""

from typing import Annotated

import typer

from pgqueue import Client
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.failures import CommandFailed
from pgqueue.cli.output import console, print_json
from pgqueue.cli.standing import worker_data, worker_table
from pgqueue.settings import SCHEMA

app = typer.Typer(help="Show the workers, pause one, or resume it.")

WorkerId = Annotated[int, typer.Argument(help="The worker's id.", metavar="ID", min=1, show_default=False)]


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


@app.command()
def pause(
    worker_id: WorkerId,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Let a worker take no new jobs; what it runs goes on. It sees that within ten seconds."""
    with connected(dsn) as connection:
        check_known(worker_id, is_known=Client(schema=schema).pause_worker(worker_id, connection=connection))
    if as_json:
        print_json({"worker": str(worker_id), "paused": True})
    else:
        print(f"worker {worker_id} is paused")


@app.command()
def resume(
    worker_id: WorkerId,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Let a paused worker take jobs again."""
    with connected(dsn) as connection:
        check_known(worker_id, is_known=Client(schema=schema).resume_worker(worker_id, connection=connection))
    if as_json:
        print_json({"worker": str(worker_id), "paused": False})
    else:
        print(f"worker {worker_id} goes on")


def check_known(worker_id: int, *, is_known: bool) -> None:
    """Raise CommandFailed for a worker nobody knows."""
    if not is_known:
        raise CommandFailed(f"there is no worker {worker_id}: see `pgqueue workers`")
