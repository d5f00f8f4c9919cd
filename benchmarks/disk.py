"""Asks what one fsync costs where the servers will write; it must never be read as a result."""

import os
import statistics
import tempfile
import time

SAMPLES = 100
RECORD_BYTES = 256


def fsync_seconds() -> float:
    """The median of a hundred small writes, each made durable."""
    with tempfile.NamedTemporaryFile() as file:
        return statistics.median(_one_write_seconds(file.fileno()) for _ in range(SAMPLES))


def _one_write_seconds(descriptor: int) -> float:
    os.write(descriptor, b"x" * RECORD_BYTES)
    began = time.perf_counter()
    os.fsync(descriptor)
    return time.perf_counter() - began
