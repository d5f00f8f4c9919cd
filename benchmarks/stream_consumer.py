"""One consumer of a Redis stream, as simple as it can be; it must never poll."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import redis

from benchmarks.delays import DelayFile
from benchmarks.stamps import Start

STREAM = "bench"
GROUP = "workers"
FULL_BATCH = 100
"""As many as pgqueue's worker runs at once."""
BLOCK_MILLISECONDS = 5_000
"""As long as pgqueue's own slow poll: a consumer that blocks for ever would never see its server gone."""


def patient_connection(socket_path: Path) -> Any:
    """Without redis-py's own timeout of five seconds, which would strike just before BLOCK returns."""
    return redis.Redis(unix_socket_path=str(socket_path), protocol=3, socket_timeout=None)


def consume_stream(socket_path: Path, stamp_path: Path, name: str) -> None:
    """Wait for entries, tell the harness of each, acknowledge and delete it; for ever."""
    harness = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    harness.connect(os.fspath(stamp_path))
    server = patient_connection(socket_path)
    while True:
        answer = server.xreadgroup(GROUP, name, {STREAM: ">"}, count=1, block=BLOCK_MILLISECONDS)
        for identifier, _ in answer[STREAM.encode()][0] if answer else []:
            harness.send(Start(time.monotonic_ns(), os.getpid(), 0, 1, 0).packed())
            with server.pipeline(transaction=False) as pipeline:
                pipeline.xack(STREAM, GROUP, identifier)
                pipeline.xdel(STREAM, identifier)
                pipeline.execute()


def consume_due(socket_path: Path, folder: Path, name: str) -> None:
    """Wait for entries, tell of each when it was due, acknowledge and delete them in batches; for ever."""
    delays = DelayFile(folder)
    server = patient_connection(socket_path)
    while True:
        answer = server.xreadgroup(GROUP, name, {STREAM: ">"}, count=FULL_BATCH, block=BLOCK_MILLISECONDS)
        entries = answer[STREAM.encode()][0] if answer else []
        for _, fields in entries:
            started_ns = time.monotonic_ns()
            delays.add(int(fields[b"number"]), int(fields[b"due_ns"]), started_ns)
        if entries:
            identifiers = [identifier for identifier, _ in entries]
            with server.pipeline(transaction=False) as pipeline:
                pipeline.xack(STREAM, GROUP, *identifiers)
                pipeline.xdel(STREAM, *identifiers)
                pipeline.execute()
