"""Where the application's orders and jobs go, and how they compare; a shop must never mend what it finds."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, NamedTuple, cast

import psycopg
import redis

from benchmarks.application import MAKE, STREAM, Till, Way
from benchmarks.contestants import Contestant
from benchmarks.databases import with_options
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host
from benchmarks.servers import redis_server
from benchmarks.systems.pgqueue import SESSION_OPTIONS, PgQueue

ORDERS_APART = 1_000_000
"""No process places as many: each begins at another multiple of it."""
PLACED = "select id from orders"
ENQUEUED = "select (payload ->> 'number')::bigint from pgqueue.bodies"
OTHER_SESSIONS = """
select count(*)
from pg_stat_activity
where datname = current_database()
    and pid <> pg_backend_pid()
    and backend_type = 'client backend'
"""
LOOK_SECONDS = 0.001
PATIENCE_SECONDS = 60.0


class Astray(NamedTuple):
    """How many orders have no job, and how many jobs no order."""

    orders_without_job: int
    jobs_without_order: int


class Shop:
    """One way of enqueueing: a database of its own, and a Redis where it needs one."""

    def __init__(self, contestant: Contestant, way: Way, dsn: str, redis_url: str | None) -> None:
        self.contestant = contestant
        self.way = way
        self._dsn = dsn
        self._redis_url = redis_url
        self._firsts = count(ORDERS_APART, ORDERS_APART)
        self._observer: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True)
        self._redis = redis.Redis.from_url(redis_url, protocol=3) if redis_url else None
        self._observer.execute(MAKE)

    def open_till(self) -> Till:
        """For another process, with numbers of its own."""
        return Till(self.way, self._dsn, self._redis_url, next(self._firsts))

    def astray(self) -> Astray:
        """Compares all orders with all jobs, once nobody works here any more."""
        self._await_quiet()
        placed, enqueued = self._numbers(PLACED), self._enqueued()
        return Astray(len(placed - enqueued), len(enqueued - placed))

    def check(self) -> None:
        """Fail unless every order has its job, and every job its order."""
        astray = self.astray()
        if any(astray):
            raise BenchmarkFailed(f"{self.contestant.label}, {self.way}: {astray}")

    def _enqueued(self) -> set[int]:
        if self._redis is None:
            return self._numbers(ENQUEUED)
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", self._redis.xrange(STREAM))
        return {int(fields[b"number"]) for _, fields in entries}

    def _numbers(self, statement: str) -> set[int]:
        return {row[0] for row in self._observer.execute(statement.encode()).fetchall()}

    def _await_quiet(self) -> None:
        """A server notices a little later that whoever it served is dead, and may finish what it was sent."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._strangers():
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"sessions of the dead are open after {PATIENCE_SECONDS:.0f} seconds")
            time.sleep(LOOK_SECONDS)

    def _strangers(self) -> int:
        row = self._observer.execute(OTHER_SESSIONS).fetchone()
        sessions = int(row[0]) if row else 0
        if self._redis is None:
            return sessions
        return sessions + cast("dict[str, int]", self._redis.info("clients"))["connected_clients"] - 1

    def close(self) -> None:
        """Leave the servers."""
        self._observer.close()
        if self._redis is not None:
            self._redis.close()


@contextmanager
def open_shop(contestant: Contestant, way: Way, host: Host) -> Iterator[Shop]:
    """An empty one. The orders are as durable as pgqueue is; beside Redis always at `fsync`."""
    with ExitStack() as stack:
        redis_url = None
        if contestant.system == PgQueue.name:
            dsn = with_options(
                stack.enter_context(host.database(contestant)), SESSION_OPTIONS[contestant.durability]
            )
        else:
            dsn = stack.enter_context(host.bare_database())
            redis_url = f"unix://{stack.enter_context(redis_server(contestant.durability))}"
        shop = Shop(contestant, way, dsn, redis_url)
        stack.callback(shop.close)
        yield shop
