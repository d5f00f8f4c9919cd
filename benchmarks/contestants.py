"""Which systems can be measured, at which durability; it must never measure them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.rows import Durability
from benchmarks.servers import postgres_server, queue_database, redis_server
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
)


def answering_to(name: str) -> list[Contestant]:
    """Those of a name such as `redis-streams` (every durability) or `redis-streams:fsync`; may be none."""
    return [contestant for contestant in CONTESTANTS if name in {contestant.system, contestant.label}]


@contextmanager
def open_systems(contestants: Sequence[Contestant]) -> Iterator[list[System]]:
    """The systems, in the order given, each on servers of its own that end with the block."""
    with ExitStack() as stack:
        queues = stack.enter_context(open_pgqueue(contestants))
        yield [
            queues[contestant] if contestant in queues else _open_redis(stack, contestant)
            for contestant in contestants
        ]


@contextmanager
def open_pgqueue(contestants: Sequence[Contestant]) -> Iterator[dict[Contestant, PgQueue]]:
    """pgqueue at the durabilities asked for: one server, a database each. Others are left out."""
    wanted = [contestant for contestant in contestants if contestant.system == PgQueue.name]
    if not wanted:
        yield {}
        return
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        queues: dict[Contestant, PgQueue] = {}
        for contestant in wanted:
            dsn = queue_database(server, f"bench_{contestant.durability}")
            queues[contestant] = PgQueue(dsn, contestant.durability)
            stack.callback(queues[contestant].close)
        yield queues


def _open_redis(stack: ExitStack, contestant: Contestant) -> RedisStreams:
    socket_path = stack.enter_context(redis_server(contestant.durability))
    system = RedisStreams(socket_path, contestant.durability)
    stack.callback(system.close)
    return system
