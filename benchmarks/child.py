"""A process of somebody's worker, from its start to its SIGTERM; it must never outlive the benchmark."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from benchmarks.failures import BenchmarkFailed
from benchmarks.stopping import undisturbed

LOOK_SECONDS = 0.01
"""Between two looks at the work: fine enough for a run of seconds, too rare to cost the worker anything."""
PATIENCE_SECONDS = 300.0
"""A queue not drained by then has lost a job, or the machine cannot run this benchmark."""
STOP_SECONDS = 60.0


class Child:
    """The command as a process inside the block.

    name: for messages. ends_cleanly: whether SIGTERM has to end it with code 0.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, ends_cleanly: bool = True
    ) -> None:
        self._name = name
        self._command = command
        self._environment = environment
        self._ends_cleanly = ends_cleanly

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        with undisturbed():
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )
        return self

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def await_that(self, is_done: Callable[[], bool]) -> None:
        """Return once it is done; fail if the process ends before, or it takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_done():
            self.check_alive()
            if time.monotonic() > deadline:
                raise BenchmarkFailed(
                    f"{self._name}: jobs left after {PATIENCE_SECONDS:.0f} seconds, {self._last_words()}"
                )
            time.sleep(LOOK_SECONDS)

    def check_alive(self) -> None:
        """Fail if the process has ended."""
        if self._process.poll() is not None:
            raise BenchmarkFailed(f"{self._name} ended too early, {self._last_words()}")

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
            if kind is None and not was_killed and self._ends_cleanly and self._process.returncode != 0:
                raise BenchmarkFailed(f"{self._name} did not stop cleanly, {self._last_words()}")
        except subprocess.TimeoutExpired as late:
            raise BenchmarkFailed(f"{self._name} ignored SIGTERM for {STOP_SECONDS:.0f} seconds") from late
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f"code {self._process.poll()}: {lines[-1] if lines else 'it said nothing'}"
