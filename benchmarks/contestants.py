"""Which systems can be measured, at which durability; it must never measure them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.given import OUR_OWN, Given
from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.opening import open_peer
from benchmarks.rows import Durability
from benchmarks.shared_servers import SharedServers
from benchmarks.systems.peer import PeerSystem
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.systems.system import System
from benchmarks.systems.usual_table import UsualTable


@dataclass(frozen=True)
class Contestant:
    """A system at one durability."""

    system: str
    durability: Durability

    @property
    def label(self) -> str:
        """As it is written after --systems."""
        return f"{self.system}:{self.durability}"


CONTESTANTS = (
    Contestant(PgQueue.name, "fsync"),
    Contestant(RedisStreams.name, "fsync"),
    Contestant(PgQueue.name, "fsync-enqueue"),
    Contestant(PgQueue.name, "everysec"),
    Contestant(RedisStreams.name, "everysec"),
    Contestant(RedisStreams.name, "memory"),
    Contestant(UsualTable.name, "fsync"),
    *(Contestant(peer.name, durability) for peer in PEERS.values() for durability in peer.durabilities),
)


def answering_to(name: str) -> list[Contestant]:
    """Those of a name such as `redis-streams` (every durability) or `redis-streams:fsync`; may be none."""
    return [contestant for contestant in CONTESTANTS if name in {contestant.system, contestant.label}]


@contextmanager
def open_systems(
    contestants: Sequence[Contestant], given: Given = OUR_OWN
) -> Iterator[list[System | PeerSystem]]:
    """The systems, in the contestants' order: on given servers, or on our own, which end with the block."""
    with ExitStack() as stack:
        servers = SharedServers(stack, given)
        yield [_open(contestant, servers, given, stack) for contestant in contestants]


def _open(
    contestant: Contestant, servers: SharedServers, given: Given, stack: ExitStack
) -> System | PeerSystem:
    if contestant.system in PEERS:
        return stack.enter_context(open_peer(contestant.system, contestant.durability, servers))
    system = (
        _open_pgqueue(contestant, servers)
        if contestant.system == PgQueue.name
        else RedisStreams(given.redis_url or servers.redis_url(contestant.durability), contestant.durability)
    )
    stack.callback(system.close)
    return system


def _open_pgqueue(contestant: Contestant, servers: SharedServers) -> PgQueue:
    dsn = servers.databases().create(f"bench_{contestant.durability}")
    PgQueue.install(dsn)
    return PgQueue(dsn, contestant.durability)
