"""`serve`: the HTTP API and the dashboard as a process."""

import os
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pgqueue.cli import options
from pgqueue.cli import worker_options as chosen
from pgqueue.cli.connection import required
from pgqueue.cli.failures import CommandFailed, CommandMisused
from pgqueue.cli.modules import function_named
from pgqueue.cli.token import text_of
from pgqueue.cli.worker import log_to_stderr
from pgqueue.durations import readable
from pgqueue.settings import SCHEMA

if TYPE_CHECKING:  # an extra, which also takes long to import
    from pgqueue.http import Token

HOST = "127.0.0.1"
PORT = 8000
GRACE = timedelta(seconds=20)
TOKENS_VARIABLE = "PGQUEUE_TOKENS"


def serve(
    *,
    host: Annotated[
        str, typer.Option(help="The address to serve on; others than this machine's own take tokens.")
    ] = HOST,
    port: Annotated[int, typer.Option(help="0: any free port.", min=0, max=65_535)] = PORT,
    tokens: Annotated[
        Path | None,
        typer.Option(
            envvar="PGQUEUE_TOKENS_FILE",
            help="Who may ask: a file with a line of `pgqueue token` for each.",
            show_default=False,
        ),
    ] = None,
    grace: Annotated[
        timedelta | None,
        options.duration("After SIGTERM: how long requests may take to end.", default=readable(GRACE)),
    ] = None,
    dashboard: Annotated[
        bool | None,
        typer.Option(
            "--dashboard/--no-dashboard",
            help="Whether to serve the dashboard, too.",
            show_default="if its extra is installed",
        ),
    ] = None,
    redact: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="What the API and the dashboard show of jobs: given a task, a part of a job, its value.",
            show_default=False,
        ),
    ] = None,
    log_level: chosen.Level = chosen.LogLevel.INFO,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
) -> None:
    """Serve the HTTP API and the dashboard until told to stop.

    Without tokens only programs of this machine are served, and only by themselves: not through a
    proxy. The lines of a tokens file may stand in the variable PGQUEUE_TOKENS, too. It speaks no
    TLS: where it leaves the machine, put a proxy before it that does.
    """
    from pgqueue.http import create_app, serving  # noqa: PLC0415
    from pgqueue.http.redaction import nothing_hidden  # noqa: PLC0415

    log_to_stderr(log_level)
    known = tokens_for(host, tokens)
    shown = function_named(redact) if redact else nothing_hidden
    app = create_app(required(dsn), schema=schema, tokens=known, redact=shown)
    has_dashboard = is_dashboard_installed() if dashboard is None else dashboard
    if has_dashboard:
        from pgqueue.dashboard import add_dashboard  # noqa: PLC0415

        app = add_dashboard(app, tokens=known)
    try:
        listener = serving.listening(host, port)
    except OSError as error:
        raise CommandFailed(f"cannot serve on {host} port {port}: {error.strerror}") from error
    print(f"API: {serving.address_of(listener)}/openapi.json", flush=True)
    if has_dashboard:
        print(f"Dashboard: {serving.address_of(listener)}/dashboard/", flush=True)
    serving.serve(app, [listener], grace=GRACE if grace is None else grace)


def is_dashboard_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("nicegui") is not None


def tokens_for(host: str, file: Path | None) -> "tuple[Token, ...] | None":
    """The tokens of the file and the variable; None if neither is given. Raises CommandMisused."""
    from pgqueue.http import read_tokens  # noqa: PLC0415

    variable = os.environ.get(TOKENS_VARIABLE)
    if file is None and variable is None:
        if not is_loopback(host):
            raise CommandMisused(
                f"without tokens nobody could ask on {host}: make some with `pgqueue token`, "
                f"or serve on {HOST}"
            )
        return None
    given = read_tokens(f"{variable or ''}\n{text_of(file) if file else ''}")
    if not given:
        raise CommandMisused("the tokens given are none at all: make some with `pgqueue token`")
    return given


def is_loopback(host: str) -> bool:
    """Whether what is served there is for this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
