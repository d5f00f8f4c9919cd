"""Keeps N worker processes alive: starts them, restarts those that die, stops them all with itself.

It must never claim a job itself, put a DSN on a command line, nor leave a process behind.
"""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from pgqueue.backoff import Backoff, Exponential
from pgqueue.metrics.fleet import PIPE_VARIABLE, FleetMetrics

logger = logging.getLogger("pgqueue.supervisor")

EARLY = timedelta(seconds=10)  # a process that lived longer has worked, so its death starts a new count
EARLY_DEATHS = 5  # in a row: the next start would end the same way
BETWEEN_STARTS = Exponential(base=timedelta(seconds=0.5), ceiling=timedelta(seconds=10))
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
STOPPED_CODES = (0, -signal.SIGTERM)  # the latter: told to stop before it had set up anything


class Supervisor:
    """N processes of one command, kept alive until they are stopped.

    command: without secrets, for it can be read in the list of processes; those go into `environment`.
    environment: what is added to ours.
    ends_by_itself: whether a process that ends with 0 is done (workers that drain a queue).
    restart_delay: from the number of early deaths in a row to the wait before the next start.
    metrics: where the processes are to say their metrics, if anywhere.

    Each process has a pipe as its standard input: it closes when the supervisor is gone,
    however it went; see `stop_when_orphaned`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        processes: int,
        environment: Mapping[str, str] | None = None,
        ends_by_itself: bool = False,
        restart_delay: Backoff = BETWEEN_STARTS,
        metrics: FleetMetrics | None = None,
    ) -> None:
        self._command = list(command)
        self._processes = processes
        self._environment = {**os.environ, **(environment or {})}
        self._ends_by_itself = ends_by_itself
        self._restart_delay = restart_delay
        self._metrics = metrics
        self._alive: set[Process] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Keep the processes alive until `stop`. Returns the exit code: 0 if all of them ended well."""
        keepers = [asyncio.create_task(self._keep()) for _ in range(self._processes)]
        try:
            ended_well = await asyncio.gather(*keepers)
        finally:
            for keeper in keepers:
                if not keeper.cancelling():  # a second time would cut short the wait for its process's end
                    keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            if self._metrics is not None:
                await self._metrics.close()
        return 0 if all(ended_well) else 1

    def stop(self) -> None:
        """Tell every process to stop, once; a second call tells them again, which hurries them."""
        self._stopping.set()
        for process in self._alive:
            terminate(process)

    async def run_with_signals(self) -> int:
        """`run`, with each SIGTERM or SIGINT passed on as one SIGTERM to every process."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            return await self.run()
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def _keep(self) -> bool:
        """Keep one process alive. Returns whether the last one ended well."""
        early_deaths = 0
        while not self._stopping.is_set():
            lived, code = await self._one_life()
            if self._stopping.is_set():
                return code in STOPPED_CODES
            if code == 0 and self._ends_by_itself:
                return True
            early_deaths = early_deaths + 1 if lived < EARLY else 1
            if early_deaths == EARLY_DEATHS:
                self._give_up(code)
                return False
            await self._pause(code, self._restart_delay(early_deaths))
        return True

    async def _one_life(self) -> tuple[timedelta, int]:
        """Start a process and see it through. Returns how long it lived, and its exit code."""
        clock = asyncio.get_running_loop().time
        started = clock()
        process = await self._start()
        self._alive.add(process)
        try:
            if self._stopping.is_set():  # it was being started when the others were told
                terminate(process)
            code = await process.wait()
        finally:
            self._alive.discard(process)
            await dispose(process)
        return timedelta(seconds=clock() - started), code

    async def _start(self) -> Process:
        """A process in a group of its own: Ctrl-C in a terminal reaches us alone, and we pass it on once."""
        start = partial(
            asyncio.create_subprocess_exec, *self._command, stdin=subprocess.PIPE, process_group=0
        )
        if self._metrics is None:
            return await start(env=self._environment)
        with self._metrics.pipe() as end:
            return await start(env=self._environment | {PIPE_VARIABLE: str(end)}, pass_fds=[end])

    async def _pause(self, code: int, delay: timedelta) -> None:
        logger.warning(
            "a worker process ended %s; the next starts in %.1f s", manner(code), delay.total_seconds()
        )
        try:
            await asyncio.wait_for(self._stopping.wait(), delay.total_seconds())
        except TimeoutError:
            return

    def _give_up(self, code: int) -> None:
        logger.error(
            "worker processes end at once, %d in a row, the last %s: stopping all", EARLY_DEATHS, manner(code)
        )
        self.stop()


def terminate(process: Process) -> None:
    """Tell a process to stop, unless it has ended."""
    if process.returncode is None:
        process.terminate()


async def dispose(process: Process) -> None:
    """Leave nothing of a process: kill it if it lives (we were cancelled), close its pipe."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        process.kill()
        await process.wait()


def manner(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def stop_when_orphaned() -> None:
    """For a supervised process: be told to stop, by a SIGTERM to itself, when the supervisor is gone."""
    threading.Thread(target=_await_orphanage, name="pgqueue-orphanage", daemon=True).start()


def _await_orphanage() -> None:
    # Not sys.stdin: a thread that waits inside its buffer's lock breaks the interpreter's shutdown.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def supervised_workers(
    arguments: Sequence[str],
    *,
    processes: int,
    dsn: str,
    watch_dsn: str | None = None,
    ends_by_itself: bool = False,
    metrics: FleetMetrics | None = None,
) -> Supervisor:
    """So many processes of `pgqueue worker` with these arguments. The DSNs go into their environment."""
    secrets = {"PGQUEUE_DSN": dsn} | ({"PGQUEUE_WATCH_DSN": watch_dsn} if watch_dsn else {})
    return Supervisor(
        [sys.executable, "-m", "pgqueue", "worker", *arguments, "--supervised"],
        processes=processes,
        environment=secrets,
        ends_by_itself=ends_by_itself,
        metrics=metrics,
    )
