"""`dev`: PostgreSQL, the schema and a worker in one command, for development."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pgqueue import migrate
from pgqueue.cli import options
from pgqueue.cli import worker_options as chosen
from pgqueue.cli.modules import tasks_of
from pgqueue.cli.worker import leave, log_to_stderr
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.settings import SCHEMA
from pgqueue.worker import Worker
from pgqueue.worker.signals import run_with_signals

FOLDER = Path(".pgqueue")


def dev(
    modules: chosen.Modules,
    *,
    data: Annotated[
        Path,
        typer.Option(
            help="Where the database lives; made at the first run, kept at the end.", file_okay=False
        ),
    ] = FOLDER,
    queue: chosen.Queues = None,
    concurrency: chosen.Concurrency = None,
    log_level: chosen.Level = chosen.LogLevel.INFO,
    schema: options.Schema = SCHEMA,
) -> None:
    """Run PostgreSQL, the schema and a worker together, until Ctrl-C.

    No server is needed: the database comes with the `embedded` extra and lives in a folder.
    """
    log_to_stderr(log_level)
    tasks = tasks_of(modules)
    queues = chosen.queues_of(queue or [], tasks, strict=False)
    settings = chosen.settings_of(concurrency=concurrency)
    with EmbeddedPostgres(database_folder(data)) as postgres:
        dsn = postgres.dsn()
        migrate.upgrade(dsn, schema)
        print(f"PGQUEUE_DSN='{dsn}'", flush=True)
        worker = Worker(dsn, tasks=tasks, queues=queues, settings=settings, schema=schema)
        asyncio.run(run_with_signals(worker))
    leave(worker)


def database_folder(data: Path) -> Path:
    """The folder for PostgreSQL inside ours; ours tells git to leave it alone."""
    data.mkdir(parents=True, exist_ok=True)
    ignore = data / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return data / "postgres"
