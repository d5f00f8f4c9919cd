"""Runs one worker as a user would, from the command line; it must never outlive the benchmark."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.failures import BenchmarkFailed
from benchmarks.tasks import QUEUE, STAMP_SOCKET

CONCURRENCY = 100
LOOK_SECONDS = 0.01
"""Between two looks at the queue: fine enough for a run of seconds, too rare to cost the worker anything."""
PATIENCE_SECONDS = 300.0
"""A queue not drained by then has lost a job, or the machine cannot run this benchmark."""
STOP_SECONDS = 60.0
REPOSITORY = Path(__file__).resolve().parents[1]


class WorkerProcess:
    """`python -m pgqueue worker` on the tasks of the benchmarks, from its start to its SIGTERM."""

    def __init__(self, dsn: str, stamp_socket: Path) -> None:
        self._environment = os.environ | {
            "PGQUEUE_DSN": dsn,
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]),
            STAMP_SOCKET: str(stamp_socket),
        }

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "pgqueue", "worker", "benchmarks.tasks"]
        options = ["--queue", QUEUE, "--concurrency", str(CONCURRENCY)]
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [*command, *options],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        return self

    def await_that(self, is_done: Callable[[], bool]) -> None:
        """Return once it is done; fail if the worker ends before, or it takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_done():
            if self._process.poll() is not None:
                raise BenchmarkFailed(f"the worker ended too early, {self._last_words()}")
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"jobs left after {PATIENCE_SECONDS:.0f} seconds, {self._last_words()}")
            time.sleep(LOOK_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
            if kind is None and self._process.returncode != 0:
                raise BenchmarkFailed(f"the worker did not stop cleanly, {self._last_words()}")
        except subprocess.TimeoutExpired as late:
            raise BenchmarkFailed(f"the worker ignored SIGTERM for {STOP_SECONDS:.0f} seconds") from late
        finally:
            self._process.kill()
            self._process.wait()
            self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f"code {self._process.poll()}: {lines[-1] if lines else 'it said nothing'}"
