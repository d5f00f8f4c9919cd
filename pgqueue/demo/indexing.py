"""One run of the demo: enqueue a job a file, keep workers at it until all have ended, count."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from pgqueue.client import Client
from pgqueue.demo import tables
from pgqueue.demo.sources import Planted, library, planted
from pgqueue.demo.tables import Failure, Standing
from pgqueue.demo.tasks import CONCURRENCY, QUEUE, index_file, index_flaky_file
from pgqueue.errors import PgQueueError
from pgqueue.job import Job
from pgqueue.settings import SCHEMA
from pgqueue.worker.supervisor import Supervisor, supervised_workers

LOOK_SECONDS = 0.1
FIRST = 0  # priority of the planted files: their retries and the death happen while the rest runs

Connection = psycopg.Connection[Any]
Watcher = Callable[[int, Standing, Sequence[Failure]], None]
"""Hears, some times a second: how many jobs there are, how far they are, which attempts failed so far."""


class WorkersGone(PgQueueError):
    """The workers ended before the jobs did."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to, as the database counts it."""

    jobs: int
    standing: Standing
    most_imported: tuple[tuple[str, int], ...]

    @property
    def jobs_per_second(self) -> float:
        """From the first claim to the last end."""
        return self.jobs / self.standing.seconds if self.standing.seconds else 0.0


def index_library(dsn: str, *, schema: str = SCHEMA, processes: int, watch: Watcher) -> Report:
    """Index the standard library with that many worker processes; leave nothing behind but history.

    dsn: leads to a database with pgqueue in it. Raises WorkersGone, DemoRunsAlready.
    """
    client = Client(schema=schema)
    with (
        psycopg.connect(dsn, autocommit=True) as connection,
        tables.demo_tables(connection),
        planted() as files,
    ):
        job_ids = client.enqueue_many(jobs_for(files), connection=connection)
        try:
            asyncio.run(see_through(workers(dsn, schema, processes), connection, job_ids, schema, watch))
            return report(connection, job_ids, schema)
        finally:
            sweep(client, connection, job_ids, schema)


def jobs_for(files: Planted) -> list[Job]:
    """A job for every file, those made to fail first."""
    to_fail = [index_file.job(files.broken), *(index_flaky_file.job(file) for file in files.flaky)]
    return [job.options(priority=FIRST) for job in to_fail] + [index_file.job(file) for file in library()]


def workers(dsn: str, schema: str, processes: int) -> Supervisor:
    """Worker processes for the demo's tasks, such as `pgqueue worker` starts."""
    arguments = ["pgqueue.demo.tasks", "--queue", QUEUE, "--concurrency", str(CONCURRENCY)]
    arguments += ["--schema", schema, "--log-level", "error"]
    return supervised_workers(arguments, processes=processes, dsn=dsn)


async def see_through(
    supervisor: Supervisor, connection: Connection, job_ids: Sequence[int], schema: str, watch: Watcher
) -> None:
    """Keep the workers at it until every job has ended, and stop them. Raises WorkersGone."""
    running = asyncio.create_task(supervisor.run())
    try:
        while not look(connection, job_ids, schema, watch):
            await asyncio.wait({running}, timeout=LOOK_SECONDS)
            if running.done():
                raise WorkersGone("the workers ended before the jobs did; what they said stands above")
    finally:
        supervisor.stop()
        await running


def look(connection: Connection, job_ids: Sequence[int], schema: str, watch: Watcher) -> bool:
    """Tell the watcher how far the jobs are. Returns whether all have ended."""
    standing = tables.standing(connection, job_ids, schema)
    watch(len(job_ids), standing, tables.failures(connection, job_ids, schema))
    return standing.ended == len(job_ids)


def report(connection: Connection, job_ids: Sequence[int], schema: str) -> Report:
    """What became of the jobs."""
    standing = tables.standing(connection, job_ids, schema)
    return Report(len(job_ids), standing, tuple(tables.most_imported(connection)))


def sweep(client: Client, connection: Connection, job_ids: Sequence[int], schema: str) -> None:
    """Leave no dead letter of ours in a database that somebody uses, and after an abort no job to run."""
    all_ended = tables.standing(connection, job_ids, schema).ended == len(job_ids)
    client.purge(job_ids, connection=connection)
    for job_id in () if all_ended else job_ids:
        client.cancel(job_id, reason="the demo was stopped", connection=connection)
