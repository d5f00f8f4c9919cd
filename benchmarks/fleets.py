"""Idle consumers by the dozen, each a process of its own; a fleet must never do more than wait for a job."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
import redis

from benchmarks.contestants import Contestant
from benchmarks.cpu import cpu_seconds
from benchmarks.crew import Crew
from benchmarks.host import Host
from benchmarks.servers import redis_server
from benchmarks.stamps import Stamps
from benchmarks.stream_consumer import GROUP, STREAM, consume_stream
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.worker_process import WorkerProcess

STATEMENTS = """
select coalesce(sum(calls), 0)::bigint
from pg_stat_statements
where dbid = (select oid from pg_database where datname = %s)
    and query not in ('begin', 'commit', 'BEGIN', 'COMMIT')
"""
FLEET_SETTINGS = {"shared_preload_libraries": "pg_stat_statements"}


class Fleet(Protocol):
    """Consumers that wait, and their server."""

    @property
    def contestant(self) -> Contestant:
        """Whose they are."""

    @property
    def stamps(self) -> Stamps:
        """Where their handlers tell when they start."""

    def queries(self) -> int:
        """Statements the server was sent so far; BEGIN and COMMIT are not counted."""

    def server_cpu_seconds(self) -> float:
        """What the server has spent so far."""

    def fleet_cpu_seconds(self) -> float:
        """What the consumers have spent so far."""

    def send(self) -> None:
        """One job for one of them."""

    def check_alive(self) -> None:
        """Fail if one of them has ended."""


class WorkerFleet:
    """`pgqueue worker --processes N`: as many real workers."""

    def __init__(
        self, contestant: Contestant, system: PgQueue, host: Host, worker: WorkerProcess, stamps: Stamps
    ) -> None:
        self.contestant = contestant
        self.stamps = stamps
        self._system = system
        self._host = host
        self._worker = worker
        self._database = psycopg.conninfo.conninfo_to_dict(system.dsn)["dbname"]

    def queries(self) -> int:
        """By pg_stat_statements, in the workers' database."""
        row = self._host.admin.execute(STATEMENTS, (self._database,)).fetchone()
        return int(row[0]) if row else 0

    def server_cpu_seconds(self) -> float:
        """All processes of the server."""
        return self._host.cpu_seconds()

    def fleet_cpu_seconds(self) -> float:
        """All workers and their supervisor."""
        return cpu_seconds(self._worker.pid)

    def check_alive(self) -> None:
        """The supervisor starts a worker that ended anew, so it is the supervisor that counts."""
        self._worker.check_alive()

    def send(self) -> None:
        """One enqueue, in a transaction of its own."""
        self._system.enqueue_stamp()


class StreamFleet:
    """Consumers of one group, each asleep in XREADGROUP BLOCK."""

    def __init__(self, contestant: Contestant, server: Any, crew: Crew, stamps: Stamps) -> None:
        self.contestant = contestant
        self.stamps = stamps
        self._server = server
        self._crew = crew

    def queries(self) -> int:
        """By the server's own count, ours among them: a handful."""
        return int(self._server.info("stats")["total_commands_processed"])

    def server_cpu_seconds(self) -> float:
        """By the server's own account."""
        spent = self._server.info("cpu")
        return float(spent["used_cpu_sys"] + spent["used_cpu_user"])

    def fleet_cpu_seconds(self) -> float:
        """All consumers."""
        return sum(cpu_seconds(pid) for pid in self._crew.pids)

    def check_alive(self) -> None:
        """Every consumer."""
        self._crew.check_alive()

    def send(self) -> None:
        """One XADD."""
        self._server.xadd(STREAM, {b"job": b"{}"})


@contextmanager
def worker_fleet(contestant: Contestant, host: Host, size: int) -> Iterator[WorkerFleet]:
    """That many workers, connected and about to fall asleep."""
    with host.database(contestant) as dsn, Stamps() as stamps:
        system = PgQueue(dsn, contestant.durability)
        try:
            with WorkerProcess(dsn, stamps.path, processes=size) as worker:
                worker.await_joined()
                yield WorkerFleet(contestant, system, host, worker, stamps)
        finally:
            system.close()


@contextmanager
def stream_fleet(contestant: Contestant, size: int) -> Iterator[StreamFleet]:
    """That many consumers, asleep."""
    with (
        redis_server(contestant.durability) as socket_path,
        Stamps() as stamps,
        Crew() as crew,
        redis.Redis(unix_socket_path=str(socket_path), protocol=3) as server,
    ):
        server.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        for number in range(size):
            crew.start(consume_stream, socket_path, stamps.path, f"consumer-{number}")
        _await_asleep(server, crew, size)
        yield StreamFleet(contestant, server, crew, stamps)


def _await_asleep(server: Any, crew: Crew, size: int) -> None:
    crew.await_that(lambda: int(server.info("clients")["blocked_clients"]) >= size)
