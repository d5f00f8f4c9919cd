"""An application that stores an order in three statements, and has a job to enqueue for it.

It must never be kinder to one way of enqueueing: the three statements are the same in all.
"""

import random
import time
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import psycopg
import redis

from benchmarks.flow import Flow
from benchmarks.tasks import stamp
from pgqueue import Client

Way = Literal["no job", "same transaction", "commit, then XADD", "XADD, then commit"]
STREAM = "orders"
ITEMS = 10_000
MAKE = f"""
create table stock (item integer primary key, taken integer not null default 0);
insert into stock (item) select generate_series(1, {ITEMS});
create table orders (id bigint primary key, item integer not null, placed_at timestamptz not null);
create table ledger (id bigint generated always as identity primary key, order_id bigint not null);
"""
ORDER = "insert into orders (id, item, placed_at) values (%s, %s, clock_timestamp())"
TAKE = "update stock set taken = taken + 1 where item = %s"
ENTER = "insert into ledger (order_id) values (%s)"


@dataclass(frozen=True)
class Till:
    """Where one process places orders. redis_url: None where nothing goes to Redis. first: a number."""

    way: Way
    dsn: str
    redis_url: str | None
    first: int


class Application:
    """One connection of each kind."""

    def __init__(self, till: Till) -> None:
        self._way = till.way
        self._connection: psycopg.Connection[Any] = psycopg.connect(till.dsn)
        self._client = Client()
        self._redis = redis.Redis.from_url(till.redis_url, protocol=3) if till.redis_url else None

    def place(self, order: int) -> None:
        """Store one order, and see that there is a job for it."""
        item = random.randint(1, ITEMS)
        with self._connection.transaction():
            self._connection.execute(ORDER, (order, item))
            self._connection.execute(TAKE, (item,))
            self._connection.execute(ENTER, (order,))
            if self._way == "same transaction":
                self._client.enqueue(stamp.job(number=order), connection=self._connection)
            elif self._way == "XADD, then commit":
                self._add(order)
        if self._way == "commit, then XADD":
            self._add(order)

    def _add(self, order: int) -> None:
        if self._redis is not None:
            self._redis.xadd(STREAM, {b"number": order})

    def close(self) -> None:
        """Leave the servers."""
        self._connection.close()
        self._client.close()
        if self._redis is not None:
            self._redis.close()


def place_for(till: Till, flow: Flow, seconds: float) -> list[float]:
    """Place orders for that long; how long each took."""
    application = Application(till)
    application.place(till.first)  # connects and plans before anybody measures
    took: list[float] = []
    ends = flow.begin() + seconds
    for order in count(till.first + 1):
        called = time.monotonic()
        if called >= ends:
            break
        application.place(order)
        took.append(time.monotonic() - called)
    application.close()
    return took


def place_until_killed(till: Till, placed: Any) -> None:
    """Place orders for ever, telling how many."""
    application = Application(till)
    for order in count(till.first):
        application.place(order)
        placed.value += 1
