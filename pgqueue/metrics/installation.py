"""The metrics of a whole installation, made of its stats. Pure arithmetic; it asks nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pgqueue.calls.stats import HorizonHolder, QueueStats, RelationStats, WorkerStats
from pgqueue.metrics import catalogue
from pgqueue.metrics.catalogue import Metric
from pgqueue.metrics.numbers import Numbers
from pgqueue.stats import Stats

COUNTED = {
    "jobs": catalogue.ENQUEUED,
    "claims": catalogue.CLAIMS,
    "outcomes": catalogue.ENDED,
    "dead_letters": catalogue.DIED,
}
AGEING = ("transaction", "prepared")
HOLDERS = (*AGEING, "slot", "standby")


def numbers_of(stats: Stats) -> Numbers:
    """All but what is counted from one sample to the next."""
    return {
        **{key: value for queue in stats.queues for key, value in queue_numbers(queue).items()},
        **worker_numbers(stats.workers, [queue.queue for queue in stats.queues]),
        **relation_numbers(stats.relations),
        **horizon_numbers(stats.horizon),
    }


def queue_numbers(stats: QueueStats) -> Numbers:
    """One queue's."""
    numbers: Numbers = {}
    for state in ("waiting", "scheduled", "running", "dead"):
        numbers[catalogue.QUEUE_JOBS.name, (stats.queue, state)] = getattr(stats, state)
        numbers[catalogue.QUEUE_JOBS_ESTIMATED.name, (stats.queue, state)] = float(state in stats.estimated)
    age = stats.oldest_age
    numbers[catalogue.OLDEST_AGE.name, (stats.queue,)] = 0.0 if age is None else max(age.total_seconds(), 0.0)
    numbers[catalogue.QUEUE_PAUSED.name, (stats.queue,)] = float(stats.paused_at is not None)
    return numbers


def worker_numbers(workers: Sequence[WorkerStats], queues: Iterable[str]) -> Numbers:
    """The workers', all together."""
    alive = [worker for worker in workers if worker.is_alive]
    return {
        (catalogue.WORKERS.name, ("alive",)): len(alive),
        (catalogue.WORKERS.name, ("missing",)): len(workers) - len(alive),
        (catalogue.SLOTS.name, ()): sum(worker.concurrency or 0 for worker in alive),
        (catalogue.BUSY_SLOTS.name, ()): sum(worker.busy for worker in alive),
        **{
            (catalogue.QUEUE_WORKERS.name, (queue,)): sum(queue in worker.queues for worker in alive)
            for queue in queues
        },
    }


def relation_numbers(relations: Sequence[RelationStats]) -> Numbers:
    """Each table's."""
    numbers: Numbers = {}
    tables: dict[str, list[RelationStats]] = {}
    for relation in relations:
        tables.setdefault(relation.relation, []).append(relation)
    for name, parts in tables.items():
        numbers[catalogue.RELATION_SIZE.name, (name,)] = sum(part.size_bytes for part in parts)
        windows = sorted((part.low, part.high) for part in parts if part.low and part.high)
        if windows:
            numbers[catalogue.PARTITIONS.name, (name,)] = len(parts)
            ahead = end_of(windows, parts[0].moment) - parts[0].moment
            numbers[catalogue.PARTITION_AHEAD.name, (name,)] = ahead.total_seconds()
            low, high = windows[-1]
            numbers[catalogue.PARTITION_WINDOW.name, (name,)] = (high - low).total_seconds()
    return numbers


def end_of(windows: Iterable[tuple[datetime, datetime]], moment: datetime) -> datetime:
    """Up to when these windows, in order, cover the time from that moment on without a gap."""
    end = moment
    for low, high in windows:
        if low <= end < high:
            end = high
    return end


def horizon_numbers(holders: Sequence[HorizonHolder]) -> Numbers:
    """The oldest holder's of each kind."""
    numbers: Numbers = {}
    for kind in HOLDERS:
        transactions = [holder.transactions for holder in holders if holder.kind == kind]
        numbers[catalogue.HORIZON_TRANSACTIONS.name, (kind,)] = max(transactions, default=0)
    for kind in AGEING:
        ages = [holder.age.total_seconds() for holder in holders if holder.kind == kind and holder.age]
        numbers[catalogue.HORIZON_AGE.name, (kind,)] = max([0.0, *ages])
    return numbers


class Increments:
    """Counters made of what the server has counted of each partition, which is gone with it."""

    def __init__(self) -> None:
        self._last: dict[str, int] | None = None
        self._counted: dict[Metric, int] = dict.fromkeys(COUNTED.values(), 0)

    def learn(self, relations: Sequence[RelationStats]) -> Numbers:
        """What has come since the first time. The server's own count may begin anew."""
        if relations:
            last = self._last
            for part in relations:
                metric = COUNTED.get(part.relation)
                if metric is not None and last is not None:
                    before = last.get(part.partition, 0)
                    rows = part.inserted - (before if before <= part.inserted else 0)
                    self._counted[metric] += round(rows * part.density)
            self._last = {part.partition: part.inserted for part in relations}
        return {(metric.name, ()): count for metric, count in self._counted.items()}
