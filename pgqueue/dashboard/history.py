"""One look at the installation, and what charts keep of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pgqueue.calls.activity import Activity, End
from pgqueue.calls.stats import QueueStats, WorkerStats
from pgqueue.record import JobSummary
from pgqueue.stats import Stats


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look found. running: the jobs held, as many as a look tells of."""

    stats: Stats
    activity: Activity
    running: tuple[JobSummary, ...]
    ends: tuple[End, ...]

    @property
    def moment(self) -> datetime:
        """When, by the database's clock."""
        return self.activity.moment

    @property
    def alive(self) -> list[WorkerStats]:
        """The workers that live."""
        return [worker for worker in self.stats.workers if worker.is_alive]


@dataclass(frozen=True, slots=True)
class Point:
    """What charts show of a moment: jobs a second, and jobs."""

    at: datetime
    enqueued: float
    succeeded: float
    failed: float
    waiting: int
    scheduled: int
    running: int


@dataclass(frozen=True, slots=True)
class Depth:
    """A number over all queues, and whether any part of it is an estimate."""

    jobs: int
    is_estimated: bool

    def __str__(self) -> str:
        """As people read it."""
        return f"{'~' if self.is_estimated else ''}{self.jobs:,}"


def point_of(sample: Sample) -> Point:
    """What charts show of a sample."""
    queues, activity = sample.stats.queues, sample.activity
    return Point(
        sample.moment,
        activity.enqueued_rate,
        activity.total.succeeded_rate,
        activity.total.failed_rate,
        *(depth(queues, state).jobs for state in ("waiting", "scheduled", "running")),
    )


def depth(queues: Sequence[QueueStats], state: str) -> Depth:
    """How many jobs are in this state."""
    return Depth(
        sum(getattr(queue, state) for queue in queues), any(state in queue.estimated for queue in queues)
    )
