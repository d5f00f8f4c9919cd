"""What this machine does at best where no queue is in the way; it must never be told what the queue does."""

import asyncio
import json
import os
import time
from typing import Any

import psycopg

from benchmarks.disk import fsync_seconds
from benchmarks.payload import BODY_TEXT
from benchmarks.pgbench import run_pgbench
from benchmarks.tasks import noop

ROWS_PER_WRITE = 1_000
STORED_BYTES = """
select
    (select sum(pg_column_size(jobs.*))::float8 / sum(jobs.size) from pgqueue.jobs)
    + (select sum(pg_column_size(ready.*))::float8 / sum(ready.size) from pgqueue.ready)
"""
ROW_OVERHEAD_BYTES = 28
"""Of a row in one column of text: its own header, and the text's length."""
MAKE = """
create table bare (body text);
alter table bare alter column body set storage plain;
create table narrow (id integer);
"""


class Machine:
    """One client beside a database that holds nothing but bare tables.

    row_bytes: what one row of the table that is copied into takes, its header included.
    """

    def __init__(self, dsn: str, row_bytes: int) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True)
        self._connection.execute(MAKE)
        self._rows = ("x" * (row_bytes - ROW_OVERHEAD_BYTES) + "\n").encode() * ROWS_PER_WRITE

    def copied_rows_per_second(self, rows: int) -> float:
        """One COPY into a table without an index, its commit included. `rows`: in whole thousands."""
        writes = max(rows // ROWS_PER_WRITE, 1)
        self._connection.execute("truncate bare")
        began = time.perf_counter()
        with self._connection.cursor().copy("copy bare from stdin") as copy:
            for _ in range(writes):
                copy.write(self._rows)
        return writes * ROWS_PER_WRITE / (time.perf_counter() - began)

    def commits_per_second(self, seconds: float) -> float:
        """One client of pgbench inserts a row of four bytes at a time."""
        return self._pgbench("insert into narrow values (1);\n", seconds)

    def round_trips_per_second(self, seconds: float) -> float:
        """One client of pgbench asks for nothing."""
        return self._pgbench("select 1;\n", seconds)

    def _pgbench(self, script: str, seconds: float) -> float:
        return run_pgbench(self._dsn, script, clients=1, seconds=seconds)[1]

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()


def stored_bytes(dsn: str) -> int:
    """What a job takes while it waits, as pgqueue stores it: without indexes: its share of rows."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(STORED_BYTES).fetchone()
    return round(row[0]) if row and row[0] else ROW_OVERHEAD_BYTES


def fsyncs_per_second() -> float:
    """Small writes to one file, each followed by an fsync."""
    return 1 / fsync_seconds(os.fsync)


def fdatasyncs_per_second() -> float:
    """The same with fdatasync, which is what both servers use for their logs."""
    return 1 / fsync_seconds(os.fdatasync)


def handler_calls_per_second(calls: int) -> float:
    """The handler that does nothing, awaited in a loop."""

    async def call_all() -> None:
        for _ in range(calls):
            await noop(text=BODY_TEXT)

    began = time.perf_counter()
    asyncio.run(call_all())
    return calls / (time.perf_counter() - began)


def json_calls_per_second(calls: int) -> float:
    """The same, with the payload written as JSON by the standard library before, and read again."""

    async def call_all() -> None:
        for _ in range(calls):
            await noop(**json.loads(json.dumps({"text": BODY_TEXT})))

    began = time.perf_counter()
    asyncio.run(call_all())
    return calls / (time.perf_counter() - began)
