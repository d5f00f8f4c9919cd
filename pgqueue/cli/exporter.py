"""`exporter`: metrics of a whole installation for Prometheus."""

import asyncio
import signal
from datetime import timedelta
from typing import Annotated

import typer

from pgqueue.cli import options
from pgqueue.cli import worker_options as chosen
from pgqueue.cli.connection import required
from pgqueue.cli.metrics import served
from pgqueue.cli.worker import log_to_stderr
from pgqueue.durations import readable
from pgqueue.metrics.exporter import INTERVAL, Exporter
from pgqueue.metrics.serving import LOOPBACK
from pgqueue.settings import SCHEMA

PORT = 9743

Interval = Annotated[timedelta | None, options.duration("How often to sample.", default=readable(INTERVAL))]


def exporter(
    *,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Where to serve the metrics; 0: any free port.")
    ] = PORT,
    metrics_host: options.MetricsHost = LOOPBACK,
    interval: Interval = None,
    prepare: chosen.Prepare = True,
    log_level: chosen.Level = chosen.LogLevel.INFO,
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
) -> None:
    """Serve the metrics of a whole installation to Prometheus, until told to stop.

    One is enough. It samples over one connection, so a scrape costs the database nothing; where the
    database cannot be reached it says `pgqueue_up 0` and tries on.
    """
    log_to_stderr(log_level)
    one = Exporter(required(dsn), schema=schema, interval=interval or INTERVAL, prepare=prepare)
    with served(one, port=metrics_port, host=metrics_host) as port:
        print(f"metrics: http://{metrics_host}:{port}/metrics", flush=True)
        asyncio.run(run_with_signals(one))


async def run_with_signals(one: Exporter) -> None:
    """Run the exporter until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, one.stop)
    await one.run()
