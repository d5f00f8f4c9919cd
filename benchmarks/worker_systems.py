"""Opens the contestants of `worker`; it must never run one."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.given import OUR_OWN, Given
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.opening import open_peer
from benchmarks.shared_servers import SharedServers
from benchmarks.systems.peer import PeerSystem
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.pgqueue_worker import PgQueueWorker
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.systems.worker_system import WorkerSystem

STREAM_LOOP = Peer(name=RedisStreams.name, requirements=(), server="redis", jobs=200_000, pickups=100)
"""No peer, but measured like one: our own Python has what its script needs."""


@contextmanager
def open_workers(contestants: Sequence[Contestant], given: Given = OUR_OWN) -> Iterator[list[WorkerSystem]]:
    """The systems, in the order given. Redis is always our own."""
    with ExitStack() as stack:
        servers = SharedServers(stack, given)
        yield [stack.enter_context(_open(contestant, servers)) for contestant in contestants]


def _open(contestant: Contestant, servers: SharedServers) -> AbstractContextManager[WorkerSystem]:
    if contestant.system == PgQueue.name:
        return _open_pgqueue(contestant, servers)
    if contestant.system == RedisStreams.name:
        url = servers.redis_url(contestant.durability)
        return PeerSystem(STREAM_LOOP, Path(sys.executable), url, contestant.durability)
    return open_peer(contestant.system, contestant.durability, servers)


def _open_pgqueue(contestant: Contestant, servers: SharedServers) -> PgQueueWorker:
    dsn = servers.databases().create(f"bench_{contestant.durability}")
    PgQueue.install(dsn)
    return PgQueueWorker(dsn, contestant.durability)
