"""Two consumers of a stream, of which one is killed with an entry in its hands; nobody else may take it."""

import os
import random
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from benchmarks.contestants import Contestant
from benchmarks.crew import Crew, Hand
from benchmarks.failures import BenchmarkFailed
from benchmarks.given import Given
from benchmarks.rounds import Progress
from benchmarks.servers import redis_server
from benchmarks.stamps import Stamps, Start

GROUP = "workers"
MIN_IDLE_MILLISECONDS = 5_000
"""What somebody would choose whose handlers take less than five seconds."""
LOOK_MILLISECONDS = 500
"""How long a consumer blocks for new entries before it looks for abandoned ones."""
START_SECONDS = 120.0
POLL_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 1.0
"""Before a kill, at random, as beside pgqueue."""


class StreamPair:
    """Two consumers, each ready to take over what the other was given `MIN_IDLE_MILLISECONDS` ago."""

    def __init__(self, url: str, stream: str, stamps: Stamps, crew: Crew) -> None:
        self._url = url
        self._stream = stream
        self._stamps = stamps
        self._crew = crew
        self._server: Any = redis.Redis.from_url(url, protocol=3)
        self._server.xgroup_create(stream, GROUP, id="0", mkstream=True)
        self._hands: dict[int, Hand[None]] = {}
        for _ in range(2):
            self._start()

    def kill_one(self, number: int) -> float:
        """Kill whoever was given that entry; seconds until it starts again in the other."""
        self._server.xadd(self._stream, {b"number": number})
        first = self._stamps.next_start(START_SECONDS)
        time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))
        at_ns = time.monotonic_ns()
        self._hands.pop(first.pid).kill()
        again = self._stamps.next_start(START_SECONDS)
        if (again.number, again.attempt) != (number, 2) or again.pid not in self._hands:
            raise BenchmarkFailed(f"entry {number} was to start again, not {again}")
        self._await_empty()
        self._start()
        return (again.at_ns - at_ns) / 1e9

    def _start(self) -> None:
        hand = self._crew.start(hold_entries, self._url, self._stream, self._stamps.path)
        self._hands[hand.pid] = hand

    def _await_empty(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._server.xlen(self._stream):
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"an entry is left after {START_SECONDS:.0f} seconds")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Delete the stream and leave the server."""
        self._server.delete(self._stream)
        self._server.close()


def restart_seconds(contestant: Contestant, kills: int, given: Given, progress: Progress) -> list[float]:
    """So many kills, one after the other."""
    with _open_pair(contestant, given) as pair:
        seconds: list[float] = []
        for number in range(kills):
            seconds.append(pair.kill_one(number))
            progress.advance()
        return seconds


@contextmanager
def _open_pair(contestant: Contestant, given: Given) -> Iterator[StreamPair]:
    with ExitStack() as stack:
        url = given.redis_url or f"unix://{stack.enter_context(redis_server(contestant.durability))}"
        stamps, crew = stack.enter_context(Stamps()), stack.enter_context(Crew())
        pair = StreamPair(url, f"pgqueue-bench-{secrets.token_hex(4)}", stamps, crew)
        stack.callback(pair.close)
        yield pair


def hold_entries(url: str, stream: str, stamp_path: Path) -> None:
    """Take entries one by one: hold a fresh one until killed, finish one that another held too long."""
    harness = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    harness.connect(os.fspath(stamp_path))
    server: Any = redis.Redis.from_url(url, protocol=3, socket_timeout=None)
    name = str(os.getpid())
    while True:
        answer = server.xreadgroup(GROUP, name, {stream: ">"}, count=1, block=LOOK_MILLISECONDS)
        for _, fields in answer[stream.encode()][0] if answer else []:
            _tell(harness, int(fields[b"number"]), attempt=1)
            while True:
                time.sleep(START_SECONDS)
        _, abandoned, _ = server.xautoclaim(stream, GROUP, name, MIN_IDLE_MILLISECONDS, count=1)
        for identifier, fields in abandoned:
            _tell(harness, int(fields[b"number"]), attempt=2)
            server.xack(stream, GROUP, identifier)
            server.xdel(stream, identifier)


def _tell(harness: socket.socket, number: int, *, attempt: int) -> None:
    harness.send(Start(time.monotonic_ns(), os.getpid(), number, attempt, 0).packed())
