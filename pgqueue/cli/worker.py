"""`worker`: runs the tasks of modules, in one process or several."""

import asyncio
import gc
import logging
import os
import sys

import typer
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from pgqueue.cli import options
from pgqueue.cli import worker_options as chosen
from pgqueue.cli.connection import check_fit, required
from pgqueue.cli.metrics import served
from pgqueue.cli.modules import tasks_of
from pgqueue.metrics.fleet import PIPE_VARIABLE, FleetMetrics, saying
from pgqueue.metrics.serving import LOOPBACK
from pgqueue.metrics.worker import WorkerMetrics
from pgqueue.settings import SCHEMA
from pgqueue.tracing import Tracing
from pgqueue.worker import Worker
from pgqueue.worker.logs import JobOnLine
from pgqueue.worker.signals import run_with_signals
from pgqueue.worker.supervisor import stop_when_orphaned, supervised_workers

GARBAGE_THRESHOLD = 50_000  # objects more than are freed; the interpreter's own default is 700
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(process)d]: %(about)s%(message)s"
JSON_FIELDS = ("asctime", "levelname", "name", "process", "message", "job", "attempt", "task", "queue")
JSON_NAMES = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "traceback"}


def worker(
    modules: chosen.Modules,
    *,
    queue: chosen.Queues = None,
    strict: chosen.Strict = False,
    concurrency: chosen.Concurrency = None,
    processes: chosen.Processes = 1,
    lease: chosen.Lease = None,
    grace: chosen.Grace = None,
    durable_finishes: chosen.DurableFinishes = False,
    drain: chosen.Drain = False,
    poll_only: chosen.PollOnly = False,
    watch_dsn: chosen.WatchDsn = None,
    prepare: chosen.Prepare = True,
    metrics_port: chosen.MetricsPort = None,
    metrics_host: options.MetricsHost = LOOPBACK,
    log_level: chosen.Level = chosen.LogLevel.INFO,
    log_json: chosen.LogJson = False,
    tracing: chosen.Traced = False,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    supervised: chosen.Supervised = False,
) -> None:
    """Run the tasks of these modules until told to stop.

    SIGTERM or Ctrl-C: take no new jobs, let running ones finish, hand back the rest. Again: hurry.
    """
    log_to_stderr(log_level, in_json=log_json)
    if supervised:
        stop_when_orphaned()
    tasks = tasks_of(modules)
    queues = chosen.queues_of(queue or [], tasks, strict=strict)
    settings = chosen.settings_of(
        concurrency=concurrency, lease=lease, grace=grace, durable_finishes=durable_finishes
    )
    check_fit(dsn, schema)
    if processes > 1:
        flags = {
            "--strict": strict,
            "--drain": drain,
            "--poll-only": poll_only,
            "--no-prepare": not prepare,
            "--log-json": log_json,
            "--tracing": tracing,
        }
        arguments = chosen.child_arguments(
            modules, queue or [], settings=settings, schema=schema, log_level=log_level, flags=flags
        )
        fleet = None if metrics_port is None else FleetMetrics()
        supervisor = supervised_workers(
            arguments,
            processes=processes,
            dsn=required(dsn),
            watch_dsn=watch_dsn,
            ends_by_itself=drain,
            metrics=fleet,
        )
        with served(fleet, port=metrics_port, host=metrics_host):
            raise typer.Exit(asyncio.run(supervisor.run_with_signals()))
    collect_garbage_seldom()
    pipe = os.environ.pop(PIPE_VARIABLE, None) if supervised else None
    metrics = WorkerMetrics() if pipe or metrics_port is not None else None
    one = Worker(
        required(dsn),
        tasks=tasks,
        queues=queues,
        strict=strict,
        settings=settings,
        schema=schema,
        watch_dsn=watch_dsn,
        poll_only=poll_only,
        prepare=prepare,
        drain=drain,
        metrics=metrics,
        tracing=Tracing() if tracing else None,
    )
    with served(metrics, port=metrics_port, host=metrics_host):
        asyncio.run(run_and_say(one, metrics, int(pipe)) if metrics and pipe else run_with_signals(one))
    leave(one)


async def run_and_say(one: Worker, metrics: WorkerMetrics, pipe: int) -> None:
    """Run the worker, which says its metrics to the supervisor."""
    async with saying(metrics, pipe):
        await run_with_signals(one)


def log_to_stderr(level: chosen.LogLevel, *, in_json: bool = False) -> None:
    """Log what matters to whoever runs a worker; the steps of a migration do not."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(JobOnLine())
    handler.setFormatter(json_lines() if in_json else logging.Formatter(LOG_FORMAT))
    logging.basicConfig(handlers=[handler], level=level.value.upper())
    logging.getLogger("alembic").setLevel(logging.WARNING)


def json_lines() -> logging.Formatter:
    """One JSON object a line: what is passed as `extra` is in it too."""
    reserved = [*RESERVED_ATTRS, "about"]
    return JsonFormatter(JSON_FIELDS, rename_fields=JSON_NAMES, reserved_attrs=reserved)


def leave(ended: Worker) -> None:
    """End the process now if threads still run handlers that were given up: Python would wait for them."""
    if ended.has_strays:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


def collect_garbage_seldom() -> None:
    """What was imported is here to stay, and jobs by the thousand are soon gone without the collector.

    Measured: a fifth more jobs per second.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
