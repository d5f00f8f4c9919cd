"""What an installation holds: queues, workers, tables, and who keeps vacuum from clearing up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pgqueue.calls.call import Call, Row, call, function
from pgqueue.delivery import utc

QUEUE_STATS = function("queue_stats", known="text[]", floors="timestamptz[]", bound="integer").answering(
    moment="timestamptz",
    queue="text",
    paused_at="timestamptz",
    waiting="bigint[]",
    scheduled="bigint",
    running="bigint",
    dead="bigint",
    oldest="timestamptz",
    estimated="text[]",
    next_floors="timestamptz[]",
)
WORKER_STATS = function("worker_stats").answering(
    worker="bigint",
    started_at="timestamptz",
    host="text",
    process_id="integer",
    version="text",
    queues="text[]",
    concurrency="integer",
    is_alive="boolean",
    claims="bigint",
    jobs="bigint",
    paused_at="timestamptz",
)
RELATION_STATS = function("relation_stats").answering(
    relation="text",
    partition="text",
    low="timestamptz",
    high="timestamptz",
    size_bytes="bigint",
    inserted="bigint",
    moment="timestamptz",
    density="real",
)
HORIZON_HOLDERS = function("horizon_holders").answering(
    kind="text",
    pid="integer",
    name="text",
    state="text",
    query="text",
    age="interval",
    transactions="bigint",
)

LINES = 11  # priorities 0 to 9, and the line apart
BOUND = 10_000  # jobs counted in each line of a queue; beyond, they are estimated


@dataclass(frozen=True, slots=True)
class QueueStats:
    """What a queue holds.

    waiting: could run now; by_priority: of these, in each priority from 0 to 9, then held apart.
    oldest_age: how long the longest waiting one could have run already; None if none waits.
    estimated: the names of those numbers that are estimates.
    """

    queue: str
    paused_at: datetime | None
    waiting: int
    scheduled: int
    running: int
    dead: int
    by_priority: tuple[int, ...]
    oldest_age: timedelta | None
    estimated: frozenset[str]

    @property
    def is_exact(self) -> bool:
        """Whether every number was counted."""
        return not self.estimated


@dataclass(frozen=True, slots=True)
class QueueSample:
    """The stats of a queue, and what the next question may make use of.

    moment: when, by the database's clock. floors: in each line, the first job there is, due or not.
    """

    moment: datetime
    stats: QueueStats
    floors: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """A worker that has joined.

    concurrency: how many jobs it runs at once. is_alive: whether its session lives.
    claims, jobs: what it holds, running or about to. paused_at: since when it is to take no new job.
    """

    id: int
    started_at: datetime
    host: str
    process_id: int
    version: str
    queues: tuple[str, ...]
    concurrency: int | None
    is_alive: bool
    claims: int
    jobs: int
    paused_at: datetime | None = None

    @property
    def busy(self) -> int:
        """How many jobs it runs, as far as the database can tell."""
        return self.jobs if self.concurrency is None else min(self.jobs, self.concurrency)


@dataclass(frozen=True, slots=True)
class RelationStats:
    """One table, or one partition of a table.

    low, high: its window, if it is one. size_bytes: with indexes and what is stored beside.
    inserted: rows ever inserted, by the server's statistics.
    moment: when this was so, by the database's clock.
    density: how many jobs a row tells of, on the average of those lately written.
    """

    relation: str
    partition: str
    low: datetime | None
    high: datetime | None
    size_bytes: int
    inserted: int
    moment: datetime
    density: float = 1.0


@dataclass(frozen=True, slots=True)
class HorizonHolder:
    """What keeps vacuum from clearing up.

    kind: transaction, prepared, slot or standby. age: how long it has been open.
    transactions: how many have begun since. Our role may not be allowed to see age and query.
    """

    kind: str
    pid: int | None
    name: str
    state: str | None
    query: str | None
    age: timedelta | None
    transactions: int


def queue_stats(
    known: Sequence[str] = (), floors: Sequence[datetime | None] = (), *, bound: int = BOUND
) -> Call[list[QueueSample]]:
    """What the queues hold. `floors`: for each line of the queues known, below which nothing waits."""
    return call(QUEUE_STATS, {"known": list(known), "floors": list(floors), "bound": bound}, samples)


def worker_stats() -> Call[list[WorkerStats]]:
    """The workers that have joined, the longest at work first."""
    return call(WORKER_STATS, {}, workers)


def relation_stats() -> Call[list[RelationStats]]:
    """The tables, each partition by itself; none while one of them is being dropped."""
    return call(RELATION_STATS, {}, relations)


def horizon_holders() -> Call[list[HorizonHolder]]:
    """Who keeps vacuum from clearing up, the oldest first."""
    return call(HORIZON_HOLDERS, {}, lambda rows: [HorizonHolder(*row) for row in rows])


def samples(rows: Sequence[Row]) -> list[QueueSample]:
    """One a row."""
    return [sample_of(row) for row in rows]


def sample_of(row: Row) -> QueueSample:
    """The sample of one queue."""
    moment, oldest = utc(row[0]), row[7]
    stats = QueueStats(
        queue=row[1],
        paused_at=aware(row[2]),
        waiting=sum(row[3]),
        scheduled=row[4],
        running=row[5],
        dead=row[6],
        by_priority=tuple(row[3]),
        oldest_age=None if oldest is None else moment - utc(oldest),
        estimated=frozenset(row[8]),
    )
    return QueueSample(moment, stats, tuple(aware(floor) for floor in row[9]))


def workers(rows: Sequence[Row]) -> list[WorkerStats]:
    """One a row."""
    return [
        WorkerStats(
            id=row[0],
            started_at=utc(row[1]),
            host=row[2],
            process_id=row[3],
            version=row[4],
            queues=tuple(row[5]),
            concurrency=row[6],
            is_alive=row[7],
            claims=row[8],
            jobs=row[9],
            paused_at=aware(row[10]),
        )
        for row in rows
    ]


def relations(rows: Sequence[Row]) -> list[RelationStats]:
    """One a row."""
    return [
        RelationStats(row[0], row[1], aware(row[2]), aware(row[3]), row[4], row[5], utc(row[6]), row[7])
        for row in rows
    ]


def aware(moment: datetime | None) -> datetime | None:
    """The moment in UTC, if there is one."""
    return None if moment is None else utc(moment)
