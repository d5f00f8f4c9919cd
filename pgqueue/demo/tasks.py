"""The demo's tasks, as a user would write them: what they write commits with the end of their job or not."""

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from pgqueue.backoff import Fixed
from pgqueue.demo import tables
from pgqueue.demo.facts import Facts, facts_of
from pgqueue.task import task
from pgqueue.worker import current_job

QUEUE = "pgqueue-demo"
CONCURRENCY = 4
"""Handlers at once: while one waits for its commit, another parses."""
SOON = Fixed(timedelta(milliseconds=300))


# Async, although parsing is not: so all of it, and the tracebacks of what fails, happen in one thread. Python
# 3.11 keeps the depth of the tree it builds in a counter its threads share, and fails when two of them meet
# (SystemError: AST constructor recursion depth mismatch). A second process is what makes it faster.
@task(queue=QUEUE, max_attempts=3, backoff=SOON)
async def index_file(path: Path) -> None:
    """Count what is in one source file."""
    facts = read_facts(path)
    job = current_job()
    pool = connections()
    await pool.open()
    async with pool.connection() as connection:
        await tables.save(connection, job.id, str(path), facts)
        await job.finish_async(connection)


@task(queue=QUEUE, max_attempts=3, backoff=SOON)
async def index_flaky_file(path: Path) -> None:
    """The same, for a file that cannot be read at the first attempt."""
    if current_job().attempt == 1:
        raise OSError(f"planted: {path.name} cannot be read at the first attempt")
    await index_file(path)


def read_facts(path: Path) -> Facts:
    """What is in the file."""
    return facts_of(path.read_bytes(), str(path))


@cache
def connections() -> "AsyncConnectionPool[psycopg.AsyncConnection[Any]]":
    """This process's connections to the database it works for."""
    return AsyncConnectionPool(os.environ["PGQUEUE_DSN"], min_size=1, max_size=CONCURRENCY, open=False)
