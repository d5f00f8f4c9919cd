"""Opens the contestants of `worker` on their servers; it must never give one a better server than another."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from benchmarks.contestants import Contestant
from benchmarks.databases import Databases, open_databases
from benchmarks.given import OUR_OWN, Given
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.environment import Environment
from benchmarks.rows import Durability
from benchmarks.servers import redis_server
from benchmarks.systems.peer import PeerSystem
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.pgqueue_worker import PgQueueWorker
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.systems.worker_system import WorkerSystem

STREAM_LOOP = Peer(name=RedisStreams.name, requirements=(), server="redis", jobs=200_000, pickups=100)
"""No peer, but measured like one: our own Python has what its script needs."""


@contextmanager
def open_workers(contestants: Sequence[Contestant], given: Given = OUR_OWN) -> Iterator[list[WorkerSystem]]:
    """The systems, in the order given, on one PostgreSQL and one Redis per durability, a database each."""
    with ExitStack() as stack:
        servers = _Servers(stack, given)
        yield [stack.enter_context(_open(contestant, servers)) for contestant in contestants]


class _Servers:
    """Each started when it is first asked for, ended with the stack."""

    def __init__(self, stack: ExitStack, given: Given) -> None:
        self.databases: Callable[[], Databases] = cache(lambda: stack.enter_context(open_databases(given)))
        self._redis: Callable[[Durability], Path] = cache(
            lambda durability: stack.enter_context(redis_server(durability))
        )
        self._numbers: dict[Durability, count[int]] = {}

    def redis_url(self, durability: Durability) -> str:
        """A new database of the Redis at that durability."""
        number = next(self._numbers.setdefault(durability, count()))
        return f"unix://{self._redis(durability)}?db={number}"


def _open(contestant: Contestant, servers: _Servers) -> AbstractContextManager[WorkerSystem]:
    if contestant.system == PgQueue.name:
        return _open_pgqueue(contestant, servers)
    if contestant.system == RedisStreams.name:
        url = servers.redis_url(contestant.durability)
        return PeerSystem(STREAM_LOOP, Path(sys.executable), url, contestant.durability)
    return _open_peer(contestant, servers)


def _open_pgqueue(contestant: Contestant, servers: _Servers) -> PgQueueWorker:
    dsn = servers.databases().create(f"bench_{contestant.durability}")
    PgQueue.install(dsn)
    return PgQueueWorker(dsn, contestant.durability)


def _open_peer(contestant: Contestant, servers: _Servers) -> PeerSystem:
    peer = PEERS[contestant.system]
    if peer.server == "redis":
        address = servers.redis_url(contestant.durability)
    else:
        address = as_uri(servers.databases().create(f"bench_{peer.name}"))
    return PeerSystem(peer, Environment(peer).python, address, contestant.durability)


def as_uri(dsn: str) -> str:
    """The same as a URI, which all drivers read; some read nothing else, and want the host up front."""
    parts = {name: quote(str(value), safe="") for name, value in conninfo_to_dict(dsn).items()}
    user, password, host = (parts.pop(name, "") for name in ("user", "password", "host"))
    port, database = parts.pop("port", ""), parts.pop("dbname", "")
    authority = f"{user}{password and f':{password}'}@{host}{port and f':{port}'}"
    options = "&".join(f"{name}={value}" for name, value in parts.items())
    return f"postgresql://{authority}/{database}{options and f'?{options}'}"
