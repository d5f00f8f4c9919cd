"""`enqueue`: one job by hand, or a file of them."""

import json
from datetime import timedelta
from typing import Annotated

import typer

from pgqueue import Client, Job
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.enqueue_file import enqueue_file
from pgqueue.cli.failures import CommandMisused
from pgqueue.cli.output import print_json
from pgqueue.job import DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY
from pgqueue.settings import SCHEMA


def enqueue(
    queue: Annotated[str | None, typer.Argument(help="The queue it goes to.", show_default=False)] = None,
    task: Annotated[
        str | None, typer.Argument(help="The task's name, such as tasks.send_welcome.", show_default=False)
    ] = None,
    payload: Annotated[
        str | None,
        typer.Argument(help="Its arguments, a JSON object.", metavar="PAYLOAD_JSON", show_default="{}"),
    ] = None,
    *,
    delay: Annotated[timedelta | None, options.duration("Not before this long from now.")] = None,
    priority: Annotated[
        int | None, typer.Option(help="0 (most urgent) to 9.", show_default=str(DEFAULT_PRIORITY))
    ] = None,
    max_attempts: Annotated[
        int | None,
        typer.Option(help="How often it may be delivered.", show_default=str(DEFAULT_MAX_ATTEMPTS)),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(help="Lines of JSON, a job each; - reads stdin.", metavar="FILE", show_default=False),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --file: all of its jobs in one transaction, or none.")
    ] = False,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Enqueue one job and print its id, or a file of jobs. The worker validates their arguments.

    A line of a file is a JSON object:

    {"task": "tasks.send", "queue": "email", "payload": {"user_id": 7}}

    Only task must be there. It may have priority, max_attempts, run_at (with its zone),
    delay, timeout (seconds, or "1h30m"), headers, keep_result.

    Bad lines are told by number and make the exit code 1. The others are enqueued,
    a thousand in a transaction, unless --strict is given.
    """
    one = (queue, task, payload, delay, priority, max_attempts)
    if file is not None:
        if any(value is not None for value in one):
            raise CommandMisused("with --file the lines say everything: leave out what is for a single job")
        enqueue_file(file, strict=strict, dsn=dsn, schema=schema, as_json=as_json)
        return
    if strict:
        raise CommandMisused("--strict is for --file: a single job is enqueued or not in any case")
    if queue is None or task is None:
        raise CommandMisused("what is to be enqueued? Give QUEUE and TASK, or --file FILE")
    job = Job(
        task=task,
        payload=checked(payload or "{}"),
        queue=queue,
        delay=delay,
        priority=DEFAULT_PRIORITY if priority is None else priority,
        max_attempts=DEFAULT_MAX_ATTEMPTS if max_attempts is None else max_attempts,
    )
    with connected(dsn) as connection:
        job_id = Client(schema=schema).enqueue(job, connection=connection)
    if as_json:
        print_json({"id": str(job_id)})
    else:
        print(job_id)


def checked(payload: str) -> str:
    """The payload, if it is a JSON object. Raises CommandMisused."""
    try:
        value = json.loads(payload, parse_constant=refuse_constant)
    except ValueError as error:
        raise CommandMisused(f"the payload is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CommandMisused(
            f'the payload is not an object of named arguments, such as {{"user_id": 7}}: {payload}'
        )
    return payload


def refuse_constant(name: str) -> None:
    """Python would read NaN and Infinity, JSON has no such numbers."""
    raise ValueError(f"{name} is no number in JSON")
