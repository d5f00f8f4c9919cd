"""Hears from consumers when each job was due and when its handler started; at no system call of theirs.

Each process appends to shared memory in a file of its own. A record must never be lost or overwritten.
"""

import mmap
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

DELAYS_FOLDER = "PGQUEUE_BENCHMARK_DELAYS"
"""Environment variable: the folder of the records."""
MOST_RECORDS = 2_000_000
WORD_BYTES = 8
RECORD = struct.Struct("=3Q")
WORDS = RECORD.size // WORD_BYTES


class Delay(NamedTuple):
    """A job, and two moments of the monotonic clock all processes share."""

    number: int
    due_ns: int
    started_ns: int

    @property
    def seconds(self) -> float:
        """From the moment it was due to the first line of its handler."""
        return (self.started_ns - self.due_ns) / 1e9


class DelayFile:
    """The records of one process: a count, then three words each. The file is sparse."""

    def __init__(self, folder: Path) -> None:
        with Path(folder, str(os.getpid())).open("w+b") as file:
            file.truncate((1 + MOST_RECORDS * WORDS) * WORD_BYTES)
            self._words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")

    def add(self, number: int, due_ns: int, started_ns: int) -> None:
        """One more. Only one thread may add. Raises IndexError when the file is full."""
        words, count = self._words, self._words[0]
        place = 1 + count * WORDS
        words[place] = number
        words[place + 1] = due_ns
        words[place + 2] = started_ns
        words[0] = count + 1  # last: whoever reads meanwhile sees whole records only


class Delays:
    """The records of all processes that were given its folder."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-delays-")
        self.folder = Path(self._folder.name)

    def count(self) -> int:
        """How many there are so far."""
        return sum(_count_in(path) for path in self.folder.iterdir())

    def since(self, number: int) -> list[Delay]:
        """Those of the jobs from that number on."""
        return [record for path in self.folder.iterdir() for record in _records(path) if record[0] >= number]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()


def tell_delay(number: int, due_ns: int) -> None:
    """To be called first by a handler. Only the loop's own thread may tell."""
    started_ns = time.monotonic_ns()
    _file().add(number, due_ns, started_ns)


@cache
def _file() -> DelayFile:
    return DelayFile(Path(os.environ[DELAYS_FOLDER]))


def _count_in(path: Path) -> int:
    with path.open("rb") as file:
        return int.from_bytes(file.read(WORD_BYTES), sys.byteorder)


def _records(path: Path) -> Iterator[Delay]:
    size = _count_in(path) * RECORD.size
    with path.open("rb") as file:
        file.seek(WORD_BYTES)
        yield from map(Delay._make, RECORD.iter_unpack(file.read(size)))
