"""Errors as one line on stderr and an exit code; a user's mistake must never end in a traceback."""

import sys
from typing import Any

import psycopg
import typer
from alembic.util import CommandError
from typer.core import TyperGroup

from pgqueue.drivers.failures import causes, message_of
from pgqueue.errors import PgQueueError

FAILED = 1
MISUSED = 2


class CommandFailed(Exception):
    """What was asked could not be done; the message says why and what would help."""

    exit_code = FAILED


class CommandMisused(CommandFailed):
    """It was asked the wrong way: an option missing, a module that is not there."""

    exit_code = MISUSED


class Commands(TyperGroup):
    """The commands, telling their failures in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named; end with its exit code if it fails."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            failure = told(error)
            if failure is None:
                raise
            message, exit_code = failure
            print(f"pgqueue: {message}", file=sys.stderr)
            raise typer.Exit(exit_code) from error


def told(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code for an error; None for a bug of ours, which needs its traceback."""
    if isinstance(error, CommandFailed):
        return one_line(str(error)), error.exit_code
    if isinstance(error, CommandError):  # alembic: there is no such revision
        return one_line(str(error)), MISUSED
    if isinstance(error, PgQueueError):
        return one_line(str(error)), FAILED
    if any(isinstance(cause, psycopg.Error) for cause in causes(error)):
        return f"the database says: {one_line(message_of(error))}", FAILED
    return None


def one_line(text: str) -> str:
    """The text without line breaks and runs of blanks."""
    return " ".join(text.split())
