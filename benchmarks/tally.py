"""Counts what a worker's handlers ran, across processes; it must never cost them a system call.

Each process adds to eight bytes of shared memory in a file of its own.
"""

import mmap
import os
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

TALLY_FOLDER = "PGQUEUE_BENCHMARK_TALLY"
"""Environment variable: the folder of the counts."""
COUNT_BYTES = 8


class Tally:
    """The counts of all processes that were given its folder."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-tally-")
        self.folder = Path(self._folder.name)

    def total(self) -> int:
        """How many were counted so far."""
        counts = (path.read_bytes() for path in self.folder.iterdir())
        return sum(int.from_bytes(count, "little") for count in counts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()


def count_one() -> None:
    """One more, in this process. Only the loop's own thread may count."""
    _slot()[0] += 1


@cache
def _slot() -> memoryview:
    path = Path(os.environ[TALLY_FOLDER], str(os.getpid()))
    with path.open("w+b") as file:
        file.truncate(COUNT_BYTES)
        return memoryview(mmap.mmap(file.fileno(), COUNT_BYTES)).cast("Q")
