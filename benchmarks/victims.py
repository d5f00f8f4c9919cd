"""Servers that are killed under load and started again; a victim must never be given time to tidy up."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

import psutil
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from benchmarks.contestants import Contestant
from benchmarks.databases import with_options
from benchmarks.failures import BenchmarkFailed
from benchmarks.servers import RedisServer, postgres_server, redis_process
from benchmarks.systems.pgqueue import SESSION_OPTIONS, PgQueue
from benchmarks.tasks import stamp
from pgqueue import Client
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.errors import PgQueueError

STREAM = "bench"
NUMBERS = "select (payload ->> 'number')::bigint from pgqueue.bodies"
MOST = 1_000_000
"""Jobs one process enqueues at most; each begins at another multiple of it."""
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.005


class Victim(Protocol):
    """A server, and the jobs in it."""

    @property
    def contestant(self) -> Contestant:
        """Whose it is."""

    @property
    def where(self) -> str:
        """For those who enqueue."""

    def kill(self) -> None:
        """kill -9 of all its processes."""

    def restart(self) -> None:
        """On the same data; returns once it answers."""

    def numbers(self) -> set[int]:
        """Of all jobs it has."""


class PostgresVictim:
    """The postmaster and every process it has started."""

    def __init__(self, contestant: Contestant, server: EmbeddedPostgres) -> None:
        self.contestant = contestant
        self.where = with_options(server.dsn(), SESSION_OPTIONS[contestant.durability])
        self._server = server
        PgQueue.install(server.dsn())

    def kill(self) -> None:
        """The postmaster first, so that it cannot send the others home."""
        postmaster = psutil.Process(self._server.pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(map(_is_alive, family)):
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"PostgreSQL outlives kill -9 for {PATIENCE_SECONDS:.0f} seconds")
            time.sleep(LOOK_SECONDS)

    def restart(self) -> None:
        """With the recovery from its log."""
        self._server.start()

    def numbers(self) -> set[int]:
        """Of the bodies; nothing claims them."""
        with psycopg.connect(self._server.dsn()) as connection:
            return {row[0] for row in connection.execute(NUMBERS).fetchall()}


def _is_alive(process: psutil.Process) -> bool:
    """A zombie is dead: it waits for nothing but to be counted."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


class RedisVictim:
    """Its only process."""

    def __init__(self, contestant: Contestant, server: RedisServer) -> None:
        self.contestant = contestant
        self.where = f"unix://{server.socket_path}"
        self._server = server

    def kill(self) -> None:
        """At once."""
        self._server.kill()

    def restart(self) -> None:
        """With whatever its file holds."""
        self._server.start()

    def numbers(self) -> set[int]:
        """Of the stream's entries."""
        with redis.Redis.from_url(self.where) as connection:
            entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", connection.xrange(STREAM))
            return {int(fields[b"number"]) for _, fields in entries}


@contextmanager
def open_victim(contestant: Contestant) -> Iterator[Victim]:
    """A server of its own, empty."""
    if contestant.system == PgQueue.name:
        with postgres_server() as postgres:
            yield PostgresVictim(contestant, postgres)
    else:
        with redis_process(contestant.durability) as server:
            yield RedisVictim(contestant, server)


def enqueue_until_broken(contestant: Contestant, where: str, first: int, acknowledged: Any) -> None:
    """Enqueue jobs one by one, from that number on, and tell how many were acknowledged; until one is not."""
    with contextlib.suppress(psycopg.Error, PgQueueError, redis.RedisError):
        enqueue = _enqueue_in_postgres if contestant.system == PgQueue.name else _enqueue_in_redis
        with enqueue(where) as enqueue_one:
            for number in range(first, first + MOST):
                enqueue_one(number)
                acknowledged.value += 1


@contextmanager
def _enqueue_in_postgres(where: str) -> Iterator[Callable[[int], object]]:
    client = Client()  # its own connections would look for another server for a while
    with psycopg.connect(where, autocommit=True) as connection:
        yield lambda number: client.enqueue(stamp.job(number=number), connection=connection)


@contextmanager
def _enqueue_in_redis(where: str) -> Iterator[Callable[[int], object]]:
    # Tried again, an entry would be another entry.
    with redis.Redis.from_url(where, protocol=3, retry=Retry(NoBackoff(), 0)) as connection:
        yield lambda number: connection.xadd(STREAM, {b"number": number})
