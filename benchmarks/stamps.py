"""Hears from workers the moment a handler started; it must never slow a worker down."""

import os
import socket
import struct
import tempfile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from benchmarks.failures import BenchmarkFailed

STAMP_SOCKET = "PGQUEUE_BENCHMARK_SOCKET"
"""Environment variable: path of the datagram socket that hears of handler starts."""
PATIENCE_SECONDS = 60.0
FORMAT = struct.Struct(">5Q")


class Start(NamedTuple):
    """A handler started. at_ns, sent_ns: by the monotonic clock all processes share."""

    at_ns: int
    pid: int
    number: int
    attempt: int
    sent_ns: int

    def packed(self) -> bytes:
        """As it travels."""
        return FORMAT.pack(*self)


class Stamps:
    """A datagram socket the tasks of the benchmarks write to."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-stamps-")
        self.folder = Path(self._folder.name)
        self.path = self.folder / "socket"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        self._socket.bind(os.fspath(self.path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._folder.cleanup()

    def next_start(self, patience_seconds: float = PATIENCE_SECONDS) -> Start:
        """The next handler's start, waited for. Raises BenchmarkFailed."""
        start = self.start_within(patience_seconds)
        if start is None:
            raise BenchmarkFailed(f"no handler started within {patience_seconds:.0f} seconds")
        return start

    def start_within(self, seconds: float) -> Start | None:
        """The next handler's start, if there is one soon enough."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            return Start(*FORMAT.unpack(self._socket.recv(FORMAT.size)))
        except TimeoutError:
            return None
