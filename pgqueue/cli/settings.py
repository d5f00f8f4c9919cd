"""`settings`: show what holds for the whole installation, or change it."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from pgqueue import Client, InstallationSettings
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.output import print_json
from pgqueue.durations import readable
from pgqueue.settings import SCHEMA

Retention = Annotated[
    timedelta | None, options.duration("How long a job's history is kept after its attempts.")
]
ReadyWindow = Annotated[
    timedelta | None,
    options.duration("The length of the partitions jobs wait and are held in: 1s to 1d."),
]
HistoryWindow = Annotated[
    timedelta | None,
    options.duration("The length of the partitions of bodies and history: 1s to 31d."),
]
PayloadLimit = Annotated[
    int | None,
    typer.Option(
        help="The largest payload the database takes, as jsonb. A client has a limit of its own.",
        metavar="BYTES",
        show_default=False,
    ),
]


def settings(
    *,
    retention: Retention = None,
    ready_window: ReadyWindow = None,
    history_window: HistoryWindow = None,
    payload_limit: PayloadLimit = None,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Show what holds for the whole installation; with options, change it first.

    Partitions that are there stay as they are; those made from now on have the new length.
    """
    changes = {
        "retention": retention,
        "ready_window": ready_window,
        "history_window": history_window,
    }
    with connected(dsn) as connection:
        client = Client(schema=schema)
        if payload_limit is not None or any(value is not None for value in changes.values()):
            client.change_settings(**changes, payload_limit_bytes=payload_limit, connection=connection)
        found = client.settings(connection=connection)
    if as_json:
        print_json(as_data(found))
    else:
        for name, value in asdict(found).items():
            print(f"{name:<20}{readable(value) if isinstance(value, timedelta) else value}")


def as_data(found: InstallationSettings) -> dict[str, float | int]:
    """For programs: durations in seconds, and named so."""
    return {
        f"{name}_seconds" if isinstance(value, timedelta) else name: value.total_seconds()
        if isinstance(value, timedelta)
        else value
        for name, value in asdict(found).items()
    }
