"""Runs workers as a user would, from the command line; it must never outlive the benchmark."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from benchmarks.delays import DELAYS_FOLDER
from benchmarks.failures import BenchmarkFailed
from benchmarks.stamps import STAMP_SOCKET
from benchmarks.tally import TALLY_FOLDER
from benchmarks.tasks import QUEUE

CONCURRENCY = 100
LOOK_SECONDS = 0.01
"""Between two looks at the queue: fine enough for a run of seconds, too rare to cost the worker anything."""
PATIENCE_SECONDS = 300.0
"""A queue not drained by then has lost a job, or the machine cannot run this benchmark."""
STOP_SECONDS = 60.0
JOINED = "select count(*), count(*) filter (where process_id = %s) from pgqueue.workers"
REPOSITORY = Path(__file__).resolve().parents[1]


class WorkerProcess:
    """`python -m pgqueue worker` on the tasks of the benchmarks, from its start to its SIGTERM.

    stamp_socket: where handlers tell when they start. tally: the folder where they count themselves.
    delays: the folder where they tell when they were due.
    processes: more than one makes it a supervisor with so many workers below it.
    """

    def __init__(
        self,
        dsn: str,
        stamp_socket: Path | None = None,
        *,
        tally: Path | None = None,
        delays: Path | None = None,
        concurrency: int = CONCURRENCY,
        processes: int = 1,
    ) -> None:
        self._dsn = dsn
        self._processes = processes
        self._options = ["--queue", QUEUE, "--concurrency", str(concurrency), "--processes", str(processes)]
        self._environment = os.environ | {
            "PGQUEUE_DSN": dsn,
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]),
            **({STAMP_SOCKET: str(stamp_socket)} if stamp_socket else {}),
            **({TALLY_FOLDER: str(tally)} if tally else {}),
            **({DELAYS_FOLDER: str(delays)} if delays else {}),
        }

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pgqueue", "worker", "benchmarks.tasks", *self._options],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        return self

    @property
    def pid(self) -> int:
        """The worker's process id, or its supervisor's."""
        return self._process.pid

    def await_joined(self) -> None:
        """Return once it is connected and looks for work: all its processes, if they are several."""
        with psycopg.connect(self._dsn, autocommit=True) as observer:

            def has_joined() -> bool:
                row = observer.execute(JOINED, (self.pid,)).fetchone()
                everybody, this_one = row or (0, 0)
                return bool(this_one if self._processes == 1 else everybody >= self._processes)

            self.await_that(has_joined)

    def await_that(self, is_done: Callable[[], bool]) -> None:
        """Return once it is done; fail if the worker ends before, or it takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_done():
            self.check_alive()
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"jobs left after {PATIENCE_SECONDS:.0f} seconds, {self._last_words()}")
            time.sleep(LOOK_SECONDS)

    def check_alive(self) -> None:
        """Fail if the worker has ended."""
        if self._process.poll() is not None:
            raise BenchmarkFailed(f"the worker ended too early, {self._last_words()}")

    def kill(self) -> None:
        """kill -9: what a crash or the kernel does."""
        self._process.kill()
        self._process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        was_killed = self._process.returncode is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
            if kind is None and not was_killed and self._process.returncode != 0:
                raise BenchmarkFailed(f"the worker did not stop cleanly, {self._last_words()}")
        except subprocess.TimeoutExpired as late:
            raise BenchmarkFailed(f"the worker ignored SIGTERM for {STOP_SECONDS:.0f} seconds") from late
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f"code {self._process.poll()}: {lines[-1] if lines else 'it said nothing'}"
