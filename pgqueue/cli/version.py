"""`--version`: this package's version and the migration it works with."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from pgqueue.version import head

DISTRIBUTION = "pgqueue-py"


def show(wanted: bool) -> None:
    """Print it and end, if it is asked for."""
    if wanted:
        print(f"pgqueue {installed()} (schema {head()})")
        raise typer.Exit


def installed() -> str:
    """The version of the distribution; code that runs without being installed has none."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "not installed"


Version = Annotated[
    bool, typer.Option("--version", callback=show, is_eager=True, help="Show the version and end.")
]
