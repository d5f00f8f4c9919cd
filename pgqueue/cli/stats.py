"""`stats`: what the installation holds, once or live."""

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Annotated, Any

import psycopg
import typer
from pydantic_core import to_json
from rich.console import Group
from rich.live import Live

from pgqueue import Client, Stats
from pgqueue.cli import options
from pgqueue.cli.connection import connected
from pgqueue.cli.output import console, print_json
from pgqueue.cli.standing import Rates, queue_table, stats_data, summary, worker_table
from pgqueue.settings import SCHEMA

EVERY = timedelta(seconds=2)


def stats(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again and again, until Ctrl-C.")] = False,
    every: Annotated[
        timedelta, options.duration("With --watch: the pause between looks.", default="2s")
    ] = EVERY,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Show queues, workers, sizes and who holds the xmin horizon; with --watch live, with rates.

    With --watch and --json: one JSON object a line.
    """
    with connected(dsn) as connection:
        client = Client(schema=schema)
        if not watch:
            show(client.stats(connection=connection), as_json=as_json)
            return
        try:
            watched(client, connection, every, as_json=as_json)
        except KeyboardInterrupt:
            return


def show(found: Stats, *, as_json: bool) -> None:
    """One look."""
    if as_json:
        print_json(stats_data(found))
    else:
        console().print(view(found, Rates()))


def watched(
    client: Client, connection: "psycopg.Connection[Any]", every: timedelta, *, as_json: bool
) -> None:
    """Look after look, until interrupted."""
    if as_json:
        for found in looks(client, connection, every):
            print(to_json(stats_data(found)).decode(), flush=True)
        return
    rates = Rates()
    with Live(console=console(), auto_refresh=False, vertical_overflow="crop") as live:
        for found in looks(client, connection, every):
            rates.learn(found)
            live.update(view(found, rates), refresh=True)


def looks(client: Client, connection: "psycopg.Connection[Any]", every: timedelta) -> Iterator[Stats]:
    """The stats, again and again."""
    for number in count():
        if number:
            time.sleep(every.total_seconds())
        yield client.stats(connection=connection)


def view(found: Stats, rates: Rates) -> Group:
    """Everything on one screen."""
    parts: list[Any] = [summary(found, rates)]
    if found.queues:
        parts += ["", queue_table(found.queues)]
    if found.workers:
        parts += ["", worker_table(found.workers)]
    return Group(*parts)
