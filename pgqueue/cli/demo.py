"""`demo`: real work on real input, on a database made for it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Annotated

import typer

from pgqueue import migrate
from pgqueue.cli import options
from pgqueue.cli.connection import check_fit, required
from pgqueue.cli.display import bar, in_silence, print_summary
from pgqueue.cli.output import print_json
from pgqueue.cli.serve import is_dashboard_installed
from pgqueue.demo.indexing import Report, index_library
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.settings import SCHEMA

PATIENCE_SECONDS = 10  # for the dashboard to end
MOST_PROCESSES = 4  # a demo need not fill a large machine


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes.", show_default="one a core, at most 4")
    ] = None,
    dsn: Annotated[
        str | None,
        typer.Option(
            help="A database that has pgqueue; without it one is started for this and thrown away.",
            show_default=False,
        ),
    ] = None,
    schema: options.Schema = SCHEMA,
    dashboard: Annotated[
        bool | None,
        typer.Option(
            "--dashboard/--no-dashboard",
            help="Whether to serve the dashboard meanwhile.",
            show_default="if its extra is installed",
        ),
    ] = None,
) -> None:
    """Index Python's standard library, one job a source file, some of them made to fail.

    The rows a job writes commit together with its completion.
    """
    count = processes or min(os.cpu_count() or 1, MOST_PROCESSES)
    wants_dashboard = is_dashboard_installed() if dashboard is None else dashboard
    with stopped_by_sigterm(), database(dsn, schema) as where:
        if as_json:
            print_json(figures(index_library(where, schema=schema, processes=count, watch=in_silence)))
            return
        with served(where, schema) if wants_dashboard else nullcontext(), bar() as watch:
            report = index_library(where, schema=schema, processes=count, watch=watch)
        print_summary(report, count)


def figures(report: Report) -> dict[str, float]:
    """The run in figures, as `--json` prints them."""
    standing = report.standing
    return {
        "jobs": report.jobs,
        "succeeded": standing.succeeded,
        "retried": standing.retried,
        "dead": standing.dead,
        "jobs_per_second": round(report.jobs_per_second, 1),
        "seconds": round(standing.seconds, 3),
        "rows_written": standing.rows_written,
    }


@contextmanager
def database(dsn: str | None, schema: str) -> Iterator[str]:
    """The DSN of the database given, or of one that lives as long as this."""
    if dsn is not None:
        check_fit(dsn, schema)
        yield required(dsn)
        return
    with EmbeddedPostgres() as postgres:
        migrate.upgrade(postgres.dsn(), schema)
        yield postgres.dsn()


@contextmanager
def served(dsn: str, schema: str) -> Iterator[None]:
    """Serve the dashboard of this database, by a process of its own, and say where."""
    command = ("serve", "--port", "0", "--dashboard", "--schema", schema, "--log-level", "error")
    process = subprocess.Popen(
        [sys.executable, "-m", "pgqueue", *command],
        env=os.environ | {"PGQUEUE_DSN": dsn},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        print("".join(told_by(process)), end="", flush=True)
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def told_by(process: "subprocess.Popen[str]") -> Iterator[str]:
    """The line that says where the dashboard is; none if it did not start: then its error stands above."""
    for line in process.stdout or ():
        if line.startswith("Dashboard: "):
            yield line
            return


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind what is open, as Ctrl-C does, instead of ending the process where it stands."""
    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def unwind(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - how signal handlers are called
    """Raise SystemExit with the code a shell would see."""
    sys.exit(128 + number)
