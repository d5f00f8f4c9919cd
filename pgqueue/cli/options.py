"""The options that many commands share, each with its name, variable and help in one place."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from pgqueue import durations


def read_duration(text: str | timedelta) -> timedelta:
    """The duration an option gives."""
    if isinstance(text, timedelta):
        return text
    try:
        return durations.duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def read_moment(text: str | datetime) -> datetime:
    """The moment an option gives."""
    if isinstance(text, datetime):
        return text
    try:
        return durations.moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def duration(help_text: str, *, default: str | None = None) -> Any:
    """An option that is a duration; `default` is what its help says happens without it."""
    return typer.Option(
        parser=read_duration, metavar="DURATION", help=help_text, show_default=default or False
    )


def moment(help_text: str) -> Any:
    """An option that is a moment."""
    return typer.Option(
        parser=read_moment,
        metavar="WHEN",
        help=f"{help_text}: so long ago (2h), or a date and time.",
        show_default=False,
    )


Dsn = Annotated[
    str | None,
    typer.Option(
        envvar="PGQUEUE_DSN",
        help="Where the database is: postgresql://user@host/database. The variable keeps it secret.",
        show_default=False,
    ),
]
Schema = Annotated[
    str, typer.Option(envvar="PGQUEUE_SCHEMA", help="The schema pgqueue is installed in.", metavar="NAME")
]
MetricsHost = Annotated[
    str,
    typer.Option(
        help="The address to serve metrics on; 0.0.0.0 for whoever can reach this host.", metavar="ADDRESS"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs; ids are strings in it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
JobId = Annotated[int, typer.Argument(help="The job's id.", metavar="ID", min=1, show_default=False)]
JobIds = Annotated[list[int], typer.Argument(help="Jobs' ids.", metavar="ID", min=1, show_default=False)]
