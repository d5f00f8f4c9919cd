"""Looks at the disk the servers write to: what an fsync costs there, whether it is full.

It must never be read as a result.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.failures import BenchmarkFailed, one_line

SAMPLES = 100
RECORD_BYTES = 256
MEGABYTE = 1_000_000
FULL_BYTES = 32 * MEGABYTE
"""With less left it is full: PostgreSQL takes back the file of its log that it found no room for."""
NO_SPACE = "No space left on device"


class DiskFull(BenchmarkFailed):
    """The servers have no room; the message says where."""


@contextmanager
def told_when_full() -> Iterator[None]:
    """Whatever fails in the block while the disk is full is told with that: few errors say so themselves."""
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        folder = tempfile.gettempdir()
        left = shutil.disk_usage(folder).free
        told = [line.strip() for line in str(error).splitlines() if NO_SPACE in line]
        if left >= FULL_BYTES and not told:
            raise
        reason = told[0] if told else one_line(error)
        room = f"{left // MEGABYTE} MB are left"
        raise DiskFull(f"{folder} is full, {room}: set TMPDIR to a larger disk ({reason})") from error


def fsync_seconds(synchronise: Callable[[int], None] = os.fsync) -> float:
    """The median of a hundred small writes, each made durable by `os.fsync` or `os.fdatasync`."""
    with tempfile.NamedTemporaryFile() as file:
        return statistics.median(_one_write_seconds(file.fileno(), synchronise) for _ in range(SAMPLES))


def _one_write_seconds(descriptor: int, synchronise: Callable[[int], None]) -> float:
    os.write(descriptor, b"x" * RECORD_BYTES)
    began = time.perf_counter()
    synchronise(descriptor)
    return time.perf_counter() - began
