"""Hears from a worker the moment a handler started; it must never slow the worker down."""

import os
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.failures import BenchmarkFailed

PATIENCE_SECONDS = 60.0


class Stamps:
    """A datagram socket the `stamp` task writes to."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-stamps-")
        self.path = Path(self._folder.name, "socket")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        self._socket.bind(os.fspath(self.path))
        self._socket.settimeout(PATIENCE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._folder.cleanup()

    def next_start(self) -> int:
        """When the next handler started, in nanoseconds of the monotonic clock."""
        try:
            return int.from_bytes(self._socket.recv(8), "big")
        except TimeoutError as error:
            raise BenchmarkFailed(f"no handler started within {PATIENCE_SECONDS:.0f} seconds") from error
