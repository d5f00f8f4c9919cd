"""Workers in processes of their own, to be frozen and killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Holds the jobs of `hang` until it is killed, kills itself over those of `poison`, and counts.
PROGRAM = """
import asyncio, os, signal, sys
from datetime import timedelta
from pgqueue import Worker, WorkerSettings, task

@task(name="hang")
async def hang() -> None:
    await asyncio.Event().wait()

@task(name="poison")
async def poison() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

@task(name="count")
async def count(number: int) -> None:
    pass

dsn, queue, lease, *flags = sys.argv[1:]
settings = WorkerSettings(lease=timedelta(seconds=float(lease)))
asyncio.run(Worker(dsn, [hang, poison, count], [queue], settings=settings, drain="drain" in flags).run())
"""


@asynccontextmanager
async def worker_process(
    dsn: str, *flags: str, queue: str = "default", lease_seconds: float = 600
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process of its own, killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        dsn,
        queue,
        str(lease_seconds),
        *flags,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        kill(process)
        await process.wait()


def kill(*processes: asyncio.subprocess.Process) -> None:
    """kill -9 them, as good as at once; a frozen one dies too."""
    for process in processes:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
