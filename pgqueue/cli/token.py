"""`token`: makes a bearer token for the HTTP API. It must never show one twice, nor write one down."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pgqueue.cli import options
from pgqueue.cli.failures import CommandFailed, CommandMisused
from pgqueue.cli.output import print_json


class RoleName(StrEnum):
    """What a token allows."""

    READ = "read"
    ENQUEUE = "enqueue"
    ADMIN = "admin"


def token(
    name: Annotated[str, typer.Argument(help="Whose it is, in one word.", show_default=False)],
    roles: Annotated[
        list[RoleName],
        typer.Argument(
            help="read looks at everything, enqueue only enqueues, admin does all.", show_default=False
        ),
    ],
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="Add its line to this file, made if missing.", dir_okay=False, show_default=False),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a bearer token for the HTTP API.

    First the token itself, shown this once; then its line for `pgqueue serve --tokens`, unless it is
    added to a file. The line is no secret: it holds a hash, from which the token cannot be found.
    """
    from pgqueue.http import new_token, read_tokens  # noqa: PLC0415 - an extra, which takes long to import

    if name.split() != [name] or "#" in name:
        raise CommandMisused(f"{name!r} is no name for a token: write it as one word, without #")
    text, made = new_token(name, [role.value for role in roles])
    if file:
        known = text_of(file) if file.exists() else ""
        ended = known if not known or known.endswith("\n") else f"{known}\n"
        read_tokens(ended + made.line)
        append(file, f"{ended.removeprefix(known)}{made.line}\n")
    if as_json:
        print_json({"token": text, "line": made.line})
    else:
        print(text if file else f"{text}\n{made.line}")


def append(file: Path, line: str) -> None:
    """Write the line at the file's end. Raises CommandFailed."""
    try:
        with file.open("a") as lines:
            lines.write(line)
    except OSError as error:
        raise CommandFailed(f"the token cannot be added to {file}: {error.strerror}") from error


def text_of(file: Path) -> str:
    """What stands in a file of tokens. Raises CommandFailed."""
    try:
        return file.read_text()
    except (OSError, UnicodeError) as error:
        raise CommandFailed(f"the tokens in {file} cannot be read: {error}") from error
