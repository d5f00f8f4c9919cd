"""Runs the load in processes of its own, where one interpreter would be the limit.

It must never leave a process behind, nor take a process that died for one that is done.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from benchmarks.failures import BenchmarkFailed

SPAWN = multiprocessing.get_context("spawn")
FORKED = multiprocessing.get_context("forkserver")
"""For processes by the dozen: forked from one that has imported already, and that holds no connection."""
LOADS = ("application", "claimers", "load", "soaking", "victims")
FORKED.set_forkserver_preload([f"benchmarks.{name}" for name in LOADS])
STOP_SECONDS = 5.0
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.01
Answer = TypeVar("Answer")


class Hand(Generic[Answer]):
    """One process at work."""

    def __init__(self, name: str, process: BaseProcess, line: Connection) -> None:
        self._name = name
        self._process = process
        self._line = line

    def answer(self) -> Answer:
        """What the work returned, once it has. Raises BenchmarkFailed if it failed or its process died."""
        try:
            is_done, told = self._line.recv()
        except EOFError as error:
            self._process.join()
            raise BenchmarkFailed(f"{self._name} died, exit code {self._process.exitcode}") from error
        if not is_done:
            raise BenchmarkFailed(f"{self._name} failed: {told}")
        return cast("Answer", told)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid or 0

    def check_alive(self) -> None:
        """Fail if the process has ended."""
        if not self._process.is_alive():
            self.answer()
            raise BenchmarkFailed(f"{self._name} ended too early")

    def terminate(self) -> None:
        """Tell the process to end."""
        self._process.terminate()

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def dismiss(self) -> None:
        """End the process, whatever it does, and wait until it is gone."""
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._line.close()


class Crew:
    """Processes that work at once; none is left at the end of the block."""

    def __init__(self, context: SpawnContext | ForkServerContext = SPAWN) -> None:
        self._context = context
        self._hands: list[Hand[Any]] = []

    def start(self, work: Callable[..., Answer], *arguments: object) -> Hand[Answer]:
        """Run a module's function in a process of its own."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, work, arguments), daemon=True)
        with _deaf_to_ctrl_c():
            process.start()
        theirs.close()
        hand: Hand[Answer] = Hand(work.__name__, process, ours)
        self._hands.append(hand)
        return hand

    @property
    def pids(self) -> list[int]:
        """The ids of all its processes."""
        return [hand.pid for hand in self._hands]

    def check_alive(self) -> None:
        """Fail if one of them has ended."""
        for hand in self._hands:
            hand.check_alive()

    def await_that(self, is_done: Callable[[], bool]) -> None:
        """Return once it is done; fail if one of them ends before, or it takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_done():
            self.check_alive()
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"the load was not ready within {PATIENCE_SECONDS:.0f} seconds")
            time.sleep(LOOK_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hand in self._hands:
            hand.terminate()
        for hand in self._hands:
            hand.dismiss()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What starts meanwhile is deaf to it from its first moment: the harness ends its processes."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(line: Connection, work: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """In the new process."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        told = (True, work(*arguments))
    except Exception as error:  # noqa: BLE001 - told to the harness, which fails with it
        told = (False, f"{type(error).__name__}: {error}")
    line.send(told)
