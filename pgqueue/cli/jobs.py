"""`jobs list`, `show`, `cancel`, `run-now` and `reprioritise`: jobs, whatever state they are in."""

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import psycopg
import typer

from pgqueue import Client, JobPage, JobSummary
from pgqueue.calls.jobs import known
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.failures import CommandFailed
from pgqueue.cli.output import as_data, print_jobs, print_json, print_record, with_text_ids
from pgqueue.record import State
from pgqueue.settings import SCHEMA

app = typer.Typer(help="List, show, cancel, hurry or move jobs.", no_args_is_help=True)

ON_CANCEL = {
    "waiting": "job {id} was waiting; it is cancelled",
    "scheduled": "job {id} was scheduled; it is cancelled",
    "running": "job {id} is running; its worker has been told",
    "cancelled": "job {id} was cancelled already",
}
PAGE = 500
MOST_LOOKS = 200  # at five thousand jobs each: what is rarer than one in a million is not hunted down


@app.command("list")
def list_jobs(
    *,
    state: Annotated[State | None, typer.Option(help="Only in this state.", show_default=False)] = None,
    queue: Annotated[str | None, typer.Option(help="Only of this queue.", show_default=False)] = None,
    task: Annotated[str | None, typer.Option(help="Only of this task.", show_default=False)] = None,
    since: Annotated[datetime | None, options.moment("Only enqueued since then")] = None,
    before: Annotated[datetime | None, options.moment("Only enqueued before")] = None,
    after: Annotated[
        str | None,
        typer.Option(
            help="Go on where a list ended: the place it told.", metavar="PLACE", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="The most jobs to list.", min=1)] = 100,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """List jobs, newest first; waiting and scheduled ones, by --state, as they will be claimed.

    However many there are, each look is short: what is rare may take several, or end with a place
    to go on from.
    """
    with connected(dsn) as connection:
        filters: dict[str, Any] = {"state": state, "queue": queue, "task": task}
        filters |= {"enqueued_since": since, "enqueued_before": before}
        page = looked_up(Client(schema=schema), connection, filters, after, limit)
    if as_json:
        print_json({"jobs": [with_text_ids(asdict(job)) for job in page.jobs], "next": page.next})
        return
    if page.jobs:
        print_jobs(page.jobs)
    else:
        print("no jobs fit" if page.next is None else "no jobs fit so far")
    if page.next is not None:
        print(f"there may be more: --after {shlex.quote(page.next)}", file=sys.stderr)


def looked_up(
    client: Client,
    connection: "psycopg.Connection[Any]",
    filters: dict[str, Any],
    after: str | None,
    limit: int,
) -> JobPage:
    """Up to `limit` jobs, page by page, and where it goes on."""
    found: list[JobSummary] = []
    for _ in range(MOST_LOOKS):
        size = min(PAGE, limit - len(found))
        page = client.list_jobs(**filters, after=after, limit=size, connection=connection)
        found += page.jobs
        after = page.next
        if after is None or len(found) >= limit:
            break
    return JobPage(tuple(found), after)


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
    as_json: options.AsJson = False,
) -> None:
    """Ask that a job be run no more: a waiting one is cancelled, a running one's handler is told."""
    with connected(dsn) as connection:
        state = Client(schema=schema).cancel(job_id, reason=reason, connection=connection)
    if state not in ON_CANCEL:
        raise CommandFailed(f"job {job_id} has ended ({state}): there is nothing left to cancel")
    if as_json:
        print_json({"id": str(job_id), "state": state})
    else:
        print(ON_CANCEL[state].format(id=job_id))


@app.command("run-now")
def run_now(
    job_ids: options.JobIds,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Make scheduled jobs, and those that wait for a retry, due at once."""
    with connected(dsn) as connection:
        client = Client(schema=schema)
        moved = client.run_now(job_ids, connection=connection)
        left = states_of(client, connection, [job_id for job_id in job_ids if job_id not in moved])
    report_moved(moved, left, as_json=as_json, done="is due now", failure="nothing to hurry")


@app.command()
def reprioritise(
    job_ids: options.JobIds,
    *,
    priority: Annotated[int, typer.Option(help="0 (most urgent) to 9.", show_default=False)],
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Give waiting and scheduled jobs another priority. One that is due joins the end of its new line."""
    with connected(dsn) as connection:
        client = Client(schema=schema)
        moved = client.reprioritise(job_ids, priority, connection=connection)
        left = states_of(client, connection, [job_id for job_id in job_ids if job_id not in moved])
    report_moved(moved, left, as_json=as_json, done=f"has priority {priority}", failure="not moved")


def states_of(
    client: Client, connection: "psycopg.Connection[Any]", job_ids: Iterable[int]
) -> dict[int, str]:
    """The state of each of these jobs, `unknown` of those nobody knows."""
    records = {job_id: client.get(job_id, connection=connection) for job_id in job_ids}
    return {job_id: record.state if record else "unknown" for job_id, record in records.items()}


def report_moved(
    moved: Sequence[int], left: Mapping[int, str], *, as_json: bool, done: str, failure: str
) -> None:
    """Tell what was done, job by job. Raises CommandFailed for those that were left alone."""
    if as_json:
        alone = [{"id": str(job_id), "state": state} for job_id, state in left.items()]
        print_json({"moved": [str(job_id) for job_id in moved], "left": alone})
    else:
        for job_id in moved:
            print(f"job {job_id} {done}")
    if left:
        told = ", ".join(f"job {job_id} is {state}" for job_id, state in left.items())
        raise CommandFailed(f"{failure}: {told}")
