"""A producer's way to one consumer process that waits; a line must never lose count of what it was given."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import redis

from benchmarks.contestants import Contestant
from benchmarks.crew import Crew
from benchmarks.delays import Delays
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host
from benchmarks.servers import redis_server
from benchmarks.stream_consumer import GROUP, STREAM, consume_due
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.redis_streams import FEWEST_FOR_MULTI
from benchmarks.worker_process import WorkerProcess

DueJobs = Sequence[tuple[int, int]]
"""By number and the moment they are due, in nanoseconds of the monotonic clock."""


class Line(Protocol):
    """What takes jobs to the consumer."""

    @property
    def contestant(self) -> Contestant:
        """Whose it is."""

    @property
    def delays(self) -> Delays:
        """Where the consumer tells what it started."""

    def send(self, jobs: DueJobs) -> None:
        """All of them in one go, as durably as the system promises."""

    def await_count(self, count: int) -> None:
        """Return once so many have started in all; fail if the consumer ends before."""


class WorkerLine:
    """`enqueue` or `enqueue_many`, and one `pgqueue worker`."""

    def __init__(
        self, contestant: Contestant, system: PgQueue, worker: WorkerProcess, delays: Delays
    ) -> None:
        self.contestant = contestant
        self.delays = delays
        self._system = system
        self._worker = worker

    def send(self, jobs: DueJobs) -> None:
        """A single one is a plain `enqueue`."""
        self._system.enqueue_due(jobs)

    def await_count(self, count: int) -> None:
        """While nothing but the harness looks at its own files."""
        self._worker.await_that(lambda: self.delays.count() >= count)


class StreamLine:
    """XADD, and one consumer in XREADGROUP BLOCK."""

    def __init__(self, contestant: Contestant, server: Any, crew: Crew, delays: Delays) -> None:
        self.contestant = contestant
        self.delays = delays
        self._server = server
        self._crew = crew

    def send(self, jobs: DueJobs) -> None:
        """One pipeline; at `fsync` within MULTI where that is faster (see RedisStreams)."""
        is_one_fsync = self.contestant.durability == "fsync" and len(jobs) >= FEWEST_FOR_MULTI
        with self._server.pipeline(transaction=is_one_fsync) as pipeline:
            for number, due_ns in jobs:
                pipeline.xadd(STREAM, {b"number": number, b"due_ns": due_ns})
            pipeline.execute()

    def await_count(self, count: int) -> None:
        """While nothing but the harness looks at its own files."""
        self._crew.await_that(lambda: self.delays.count() >= count)


@contextmanager
def open_line(contestant: Contestant, host: Host) -> Iterator[Line]:
    """The contestant's line, its consumer connected."""
    opened = worker_line(contestant, host) if contestant.system == PgQueue.name else stream_line(contestant)
    with opened as line:
        yield line


@contextmanager
def worker_line(contestant: Contestant, host: Host) -> Iterator[WorkerLine]:
    """A worker that has joined."""
    with host.database(contestant) as dsn, Delays() as delays:
        system = PgQueue(dsn, contestant.durability)
        try:
            with WorkerProcess(system.dsn, delays=delays.folder) as worker:
                worker.await_joined()
                yield WorkerLine(contestant, system, worker, delays)
        finally:
            system.close()


@contextmanager
def stream_line(contestant: Contestant) -> Iterator[StreamLine]:
    """A consumer that blocks."""
    with (
        redis_server(contestant.durability) as socket_path,
        Delays() as delays,
        Crew() as crew,
        redis.Redis(unix_socket_path=str(socket_path), protocol=3) as server,
    ):
        connection: Any = server
        connection.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        crew.start(consume_due, socket_path, delays.folder, "one")
        crew.await_that(lambda: int(connection.info("clients")["blocked_clients"]) >= 1)
        yield StreamLine(contestant, connection, crew, delays)


def check_line(line: Line, first: int, count: int) -> None:
    """Fail unless exactly the jobs from that number on have started, each once, and none is left."""
    started = sorted(record.number for record in line.delays.since(first))
    if started != list(range(first, first + count)):
        raise BenchmarkFailed(
            f"{line.contestant.label}: of {count} jobs {len({*started})} started, {len(started)} times in all"
        )
