"""`enqueue`: one job by hand."""

import json
from datetime import timedelta
from typing import Annotated

import typer

from pgqueue import Client, Job
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.failures import CommandMisused
from pgqueue.job import DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY
from pgqueue.settings import SCHEMA


def enqueue(
    queue: Annotated[str, typer.Argument(help="The queue it goes to.")],
    task: Annotated[str, typer.Argument(help="The task's name, such as tasks.send_welcome.")],
    payload: Annotated[
        str, typer.Argument(help="Its arguments, a JSON object.", metavar="PAYLOAD_JSON")
    ] = "{}",
    *,
    delay: Annotated[timedelta | None, options.duration("Not before this long from now.")] = None,
    priority: Annotated[int, typer.Option(help="0 (most urgent) to 9.")] = DEFAULT_PRIORITY,
    max_attempts: Annotated[int, typer.Option(help="How often it may be delivered.")] = DEFAULT_MAX_ATTEMPTS,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
) -> None:
    """Enqueue one job and print its id. The worker validates its arguments."""
    job = Job(
        task=task,
        payload=checked(payload),
        queue=queue,
        delay=delay,
        priority=priority,
        max_attempts=max_attempts,
    )
    with connected(dsn) as connection:
        print(Client(schema=schema).enqueue(job, connection=connection))


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
