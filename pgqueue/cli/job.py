"""`job show` and `job cancel`: one job, whatever state it is in."""

from typing import Annotated

import typer

from pgqueue import Client
from pgqueue.calls.jobs import known
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.failures import CommandFailed
from pgqueue.cli.output import as_data, print_json, print_record
from pgqueue.settings import SCHEMA

app = typer.Typer(help="Look at one job, or cancel it.", no_args_is_help=True)

ON_CANCEL = {
    "waiting": "job {id} was waiting; it is cancelled",
    "scheduled": "job {id} was scheduled; it is cancelled",
    "running": "job {id} is running; its worker has been told",
    "cancelled": "job {id} was cancelled already",
}


@app.command()
def show(
    job_id: options.JobId,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Show everything known of a job: its state, its arguments, each attempt and its error."""
    with connected(dsn) as connection:
        record = known(job_id, Client(schema=schema).get(job_id, connection=connection))
    if as_json:
        print_json(as_data(record))
    else:
        print_record(record)


@app.command()
def cancel(
    job_id: options.JobId,
    reason: Annotated[str | None, typer.Option(help="Why; kept with the job.", show_default=False)] = None,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
) -> None:
    """Ask that a job be run no more: a waiting one is cancelled, a running one's handler is told."""
    with connected(dsn) as connection:
        state = Client(schema=schema).cancel(job_id, reason=reason, connection=connection)
    if state not in ON_CANCEL:
        raise CommandFailed(f"job {job_id} has ended ({state}): there is nothing left to cancel")
    print(ON_CANCEL[state].format(id=job_id))
