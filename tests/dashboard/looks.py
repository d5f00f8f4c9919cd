"""Looks at an installation, made up for tests that need no database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pgqueue import Activity, Ended, QueueStats, Stats, WorkerStats
from pgqueue.dashboard.history import Sample

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def queue(name: str = "mail", **fields: Any) -> QueueStats:
    values: dict[str, Any] = {
        "paused_at": None,
        "waiting": 0,
        "scheduled": 0,
        "running": 0,
        "dead": 0,
        "by_priority": (0,) * 11,
        "oldest_age": None,
        "estimated": frozenset(),
    }
    return QueueStats(queue=name, **(values | fields))


def worker(number: int = 7, **fields: Any) -> WorkerStats:
    values: dict[str, Any] = {
        "started_at": NOW - timedelta(hours=1),
        "host": "here",
        "process_id": 100 + number,
        "version": "1",
        "queues": ("mail",),
        "concurrency": 8,
        "is_alive": True,
        "claims": 0,
        "jobs": 0,
    }
    return WorkerStats(id=number, **(values | fields))


def ended(**fields: Any) -> Ended:
    values: dict[str, Any] = {
        "succeeded": 0,
        "failed": 0,
        "expired": 0,
        "dead": 0,
        "cancelled": 0,
        "run_mean": None,
        "run_p95": None,
        "succeeded_rate": 0.0,
        "failed_rate": 0.0,
    }
    return Ended(**(values | fields))


def look(
    *,
    queues: tuple[QueueStats, ...] = (),
    workers: tuple[WorkerStats, ...] = (),
    total: Ended | None = None,
    enqueued_rate: float = 0.0,
    seconds: float = 0.0,
    **fields: Any,
) -> Sample:
    """A look, so many seconds after the first."""
    moment = NOW + timedelta(seconds=seconds)
    activity = Activity(moment, moment - timedelta(minutes=1), total or ended(), {}, enqueued_rate)
    values: dict[str, Any] = {"running": (), "ends": ()}
    return Sample(Stats(queues, workers, (), ()), activity, **(values | fields))
