"""What an installation holds, for people and for programs; it must never hide that a number is estimated."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Table

from pgqueue import Stats
from pgqueue.calls.stats import HorizonHolder, QueueStats, WorkerStats
from pgqueue.cli.output import with_text_ids
from pgqueue.durations import readable

LOGS = {"jobs": "enqueued", "outcomes": "attempts ended"}  # append only: what comes in is a rate
SECOND = timedelta(seconds=1)


class Rates:
    """How fast the logs grow, from one look to the next, by the database's clock."""

    def __init__(self) -> None:
        self.per_second: dict[str, float] = {}
        self._last: dict[str, tuple[datetime, int]] = {}

    def learn(self, found: Stats) -> None:
        """Take in one more look. The server counts rows, and tells late; several jobs may share one."""
        for log, word in LOGS.items():
            parts = [part for part in found.relations if part.relation == log]
            if not parts:
                continue
            now = (max(part.moment for part in parts), sum(part.inserted for part in parts))
            last = self._last.get(log)
            self._last[log] = now
            if last is not None and now[0] > last[0] and now[1] >= last[1]:  # fewer: a window was dropped
                rows = (now[1] - last[1]) * parts[0].density
                self.per_second[word] = rows / ((now[0] - last[0]) / SECOND)


def summary(found: Stats, rates: Rates) -> Table:
    """The whole in a few lines."""
    table = Table(box=None, pad_edge=False, show_header=False)
    alive = [worker for worker in found.workers if worker.is_alive]
    slots = sum(worker.concurrency or 0 for worker in alive)
    size = sum(part.size_bytes for part in found.relations)
    table.add_row(
        "workers", f"{len(alive)} alive, {sum(worker.busy for worker in alive)} of {slots} slots busy"
    )
    table.add_row("tables", f"{size / 2**20:,.1f} MiB")
    for word, rate in rates.per_second.items():
        table.add_row(word, f"{rate:,.0f}/s")
    table.add_row("horizon", held(found.horizon[0]) if found.horizon else "held by nobody")
    return table


def held(holder: HorizonHolder) -> str:
    """Who holds the horizon, in a line."""
    who = f"pid {holder.pid}" if holder.pid else f"{holder.kind} {holder.name}"
    since = f" since {readable(whole(holder.age))}" if holder.age else ""
    return f"held by {who}{since}: {holder.query or holder.state or ''}"


def queue_table(queues: Iterable[QueueStats]) -> Table:
    """Queues by name, one a row."""
    table = Table("queue", box=None, pad_edge=False)
    for name in ("waiting", "oldest", "scheduled", "running", "dead"):
        table.add_column(name, justify="right")
    table.add_column("")
    for queue in sorted(queues, key=lambda queue: queue.queue):
        table.add_row(
            queue.queue,
            counted(queue, "waiting", queue.waiting),
            readable(whole(queue.oldest_age)) if queue.oldest_age is not None else "",
            counted(queue, "scheduled", queue.scheduled),
            counted(queue, "running", queue.running),
            counted(queue, "dead", queue.dead),
            "paused" if queue.paused_at else "",
        )
    return table


def counted(queue: QueueStats, name: str, number: int) -> str:
    """A number, and whether it is an estimate."""
    return f"{'~' if name in queue.estimated else ''}{number:,}"


def worker_table(workers: Iterable[WorkerStats]) -> Table:
    """Workers, one a row."""
    table = Table("worker", "host", "process", "", "busy", "holds", "up", "queues", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for worker in workers:
        table.add_row(
            str(worker.id),
            worker.host,
            str(worker.process_id),
            "gone" if not worker.is_alive else "paused" if worker.paused_at else "alive",
            f"{worker.busy}/{worker.concurrency or '?'}",
            f"{worker.jobs:,}",
            readable(whole(datetime.now(UTC) - worker.started_at)),
            ", ".join(worker.queues),
        )
    return table


def whole(value: timedelta) -> timedelta:
    """To the second, and not below zero, wherever two clocks differ."""
    return max(timedelta(0), timedelta(seconds=round(value.total_seconds())))


def queue_data(queue: QueueStats) -> dict[str, Any]:
    """A queue, for programs."""
    data = asdict(queue)
    age = data.pop("oldest_age")
    return data | {
        "oldest_seconds": None if age is None else age.total_seconds(),
        "estimated": sorted(queue.estimated),
    }


def worker_data(worker: WorkerStats) -> dict[str, Any]:
    """A worker, for programs."""
    return with_text_ids(asdict(worker)) | {"busy": worker.busy}


def stats_data(found: Stats) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "queues": [queue_data(queue) for queue in found.queues],
        "workers": [worker_data(worker) for worker in found.workers],
        "relations": [asdict(part) for part in found.relations],
        "horizon": [holder_data(holder) for holder in found.horizon],
    }


def holder_data(holder: HorizonHolder) -> dict[str, Any]:
    """Who holds the horizon, for programs."""
    data = asdict(holder)
    age = data.pop("age")
    return data | {"age_seconds": None if age is None else age.total_seconds()}
