"""Asks what one fsync costs where the servers will write; it must never be read as a result."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable

SAMPLES = 100
RECORD_BYTES = 256


def fsync_seconds(synchronise: Callable[[int], None] = os.fsync) -> float:
    """The median of a hundred small writes, each made durable by `os.fsync` or `os.fdatasync`."""
    with tempfile.NamedTemporaryFile() as file:
        return statistics.median(_one_write_seconds(file.fileno(), synchronise) for _ in range(SAMPLES))


def _one_write_seconds(descriptor: int, synchronise: Callable[[int], None]) -> float:
    os.write(descriptor, b"x" * RECORD_BYTES)
    began = time.perf_counter()
    synchronise(descriptor)
    return time.perf_counter() - began
