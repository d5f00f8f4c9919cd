"""Which systems can be measured, at which durability; it must never measure them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.databases import open_databases
from benchmarks.given import OUR_OWN, Given
from benchmarks.peers.catalogue import PEERS
from benchmarks.rows import Durability
from benchmarks.servers import redis_server
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
def open_systems(contestants: Sequence[Contestant], given: Given = OUR_OWN) -> Iterator[list[System]]:
    """The systems, in the contestants' order: on given servers, or on our own, which end with the block."""
    with ExitStack() as stack:
        queues = stack.enter_context(open_pgqueue(contestants, given))
        yield [
            queues[contestant] if contestant in queues else _open_redis(stack, contestant, given)
            for contestant in contestants
        ]


@contextmanager
def open_pgqueue(
    contestants: Sequence[Contestant], given: Given = OUR_OWN
) -> Iterator[dict[Contestant, PgQueue]]:
    """pgqueue at the durabilities asked for: one server, a database each. Others are left out."""
    wanted = [contestant for contestant in contestants if contestant.system == PgQueue.name]
    if not wanted:
        yield {}
        return
    with ExitStack() as stack:
        databases = stack.enter_context(open_databases(given))
        queues: dict[Contestant, PgQueue] = {}
        for contestant in wanted:
            dsn = databases.create(f"bench_{contestant.durability}")
            PgQueue.install(dsn)
            queues[contestant] = PgQueue(dsn, contestant.durability)
            stack.callback(queues[contestant].close)
        yield queues


def _open_redis(stack: ExitStack, contestant: Contestant, given: Given) -> RedisStreams:
    url = given.redis_url or f"unix://{stack.enter_context(redis_server(contestant.durability))}"
    system = RedisStreams(url, contestant.durability)
    stack.callback(system.close)
    return system
