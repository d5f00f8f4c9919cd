"""One PostgreSQL and one Redis per durability for all contestants; none may get a better one than another."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path

from benchmarks.databases import Databases, open_databases
from benchmarks.given import Given
from benchmarks.rows import Durability
from benchmarks.servers import redis_server


class SharedServers:
    """Each started when it is first asked for, ended with the stack; the PostgreSQL may be a given one."""

    def __init__(self, stack: ExitStack, given: Given) -> None:
        self.databases: Callable[[], Databases] = cache(lambda: stack.enter_context(open_databases(given)))
        self._redis: Callable[[Durability], Path] = cache(
            lambda durability: stack.enter_context(redis_server(durability))
        )
        self._numbers: dict[Durability, count[int]] = {}

    def redis_url(self, durability: Durability) -> str:
        """A new database of our own Redis at that durability."""
        number = next(self._numbers.setdefault(durability, count()))
        return f"unix://{self._redis(durability)}?db={number}"
