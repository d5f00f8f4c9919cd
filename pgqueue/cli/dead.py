"""`dead list`, `show`, `retry` and `purge`: the dead letters."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

import psycopg
import typer

from pgqueue import Client
from pgqueue.calls.jobs import known
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.failures import CommandFailed
from pgqueue.cli.letters import Filter, check_choice, matching
from pgqueue.cli.output import as_data, as_line, print_json, print_letters, print_record
from pgqueue.settings import SCHEMA

app = typer.Typer(help="List, show, retry or purge dead letters.", no_args_is_help=True)

CHUNK = 500  # letters in one transaction: a large retry must not hold its locks to the end

Queue = Annotated[str | None, typer.Option(help="Only of this queue.", show_default=False)]
Task = Annotated[str | None, typer.Option(help="Only of this task.", show_default=False)]
Error = Annotated[
    str | None, typer.Option(help="Only with this type of error, such as ValueError.", show_default=False)
]
Since = Annotated[datetime | None, options.moment("Only dead since then")]
Before = Annotated[datetime | None, options.moment("Only dead before")]
Ids = Annotated[list[int] | None, typer.Argument(help="Jobs' ids.", metavar="ID", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All dead letters there are.")]

Change = Callable[[Client, "psycopg.Connection[Any]", Sequence[int]], list[int]]


@app.command("list")
def list_letters(
    *,
    queue: Queue = None,
    task: Task = None,
    error: Error = None,
    since: Since = None,
    before: Before = None,
    limit: Annotated[int, typer.Option(help="The most letters to list.", min=1)] = 100,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """List dead letters, newest first."""
    wanted = Filter(queue, task, error, since, before)
    with connected(dsn) as connection:
        letters = list(matching(Client(schema=schema), connection, wanted, limit))
    if as_json:
        print_json([as_line(letter) for letter in letters])
    elif letters:
        print_letters(letters)
    else:
        print("no dead letters" if wanted.is_empty else "no dead letters fit")


@app.command()
def show(
    job_id: options.JobId,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Show a dead letter whole: arguments, and each attempt with its error and traceback."""
    with connected(dsn) as connection:
        record = known(job_id, Client(schema=schema).get(job_id, connection=connection))
    if record.state != "dead":
        raise CommandFailed(
            f"job {job_id} is not dead: it is {record.state}; try `pgqueue jobs show {job_id}`"
        )
    if as_json:
        print_json(as_data(record))
    else:
        print_record(record)


@app.command()
def retry(
    job_ids: Ids = None,
    *,
    queue: Queue = None,
    task: Task = None,
    error: Error = None,
    since: Since = None,
    before: Before = None,
    everything: All = False,
    yes: options.Yes = False,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Put dead jobs back, with as many attempts as they first had: those named, or all that fit.

    Asks first, unless ids are given.
    """
    ids, wanted = job_ids or [], Filter(queue, task, error, since, before)
    check_choice(ids, wanted, everything=everything)
    with connected(dsn) as connection:
        client = Client(schema=schema)
        chosen = ids or chosen_ids(client, connection, wanted)
        confirm("Put back", chosen, asked=yes or bool(ids))
        done = in_chunks(redrive, client, connection, chosen)
    report("put back", chosen, done, as_json=as_json)


@app.command()
def purge(
    job_ids: Ids = None,
    *,
    queue: Queue = None,
    task: Task = None,
    error: Error = None,
    since: Since = None,
    before: Before = None,
    everything: All = False,
    yes: options.Yes = False,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Delete dead letters for good: those named, or all that fit. Asks first."""
    ids, wanted = job_ids or [], Filter(queue, task, error, since, before)
    check_choice(ids, wanted, everything=everything)
    with connected(dsn) as connection:
        client = Client(schema=schema)
        chosen = ids or chosen_ids(client, connection, wanted)
        confirm("Delete for good", chosen, asked=yes)
        done = in_chunks(delete, client, connection, chosen)
    report("deleted", chosen, done, as_json=as_json)


def chosen_ids(client: Client, connection: "psycopg.Connection[Any]", wanted: Filter) -> list[int]:
    """The ids of all that fit now; what dies while somebody thinks about the question is not among them."""
    return [letter.id for letter in matching(client, connection, wanted)]


def redrive(client: Client, connection: "psycopg.Connection[Any]", job_ids: Sequence[int]) -> list[int]:
    """Put these back."""
    return client.redrive(job_ids, connection=connection)


def delete(client: Client, connection: "psycopg.Connection[Any]", job_ids: Sequence[int]) -> list[int]:
    """Delete these."""
    return client.purge(job_ids, connection=connection)


def in_chunks(
    change: Change, client: Client, connection: "psycopg.Connection[Any]", job_ids: Sequence[int]
) -> set[int]:
    """Make the change to all of them, some at a time. Returns those that were dead."""
    done: set[int] = set()
    for start in range(0, len(job_ids), CHUNK):
        done.update(change(client, connection, job_ids[start : start + CHUNK]))
    return done


def confirm(verb: str, job_ids: Sequence[int], *, asked: bool) -> None:
    """Ask, unless that is settled or there is nothing to do."""
    if job_ids and not asked:
        typer.confirm(f"{verb} {counted(job_ids)}?", abort=True, err=True)


def report(verb: str, job_ids: Sequence[int], done: set[int], *, as_json: bool) -> None:
    """Say what was done. Raises CommandFailed for those that were not dead."""
    missing = [str(job_id) for job_id in dict.fromkeys(job_ids) if job_id not in done]
    if as_json:
        print_json({"done": [str(job_id) for job_id in sorted(done)], "not_dead": missing})
    else:
        print(f"{verb}: {counted(done)}")
    if missing:
        raise CommandFailed(f"not dead: {', '.join(missing)}")


def counted(letters: Iterable[int]) -> str:
    """So many dead letters."""
    count = len(set(letters))
    return f"{count} dead letter{'' if count == 1 else 's'}"
