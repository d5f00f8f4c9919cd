"""What happened from one look to the next, in words. It tells what was seen, never what may have been."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pgqueue.calls.activity import End
from pgqueue.dashboard.history import Sample
from pgqueue.dashboard.parts import run_time

SAID = {
    "failed": "failed, will be retried",
    "expired": "lost its worker",
    "dead": "died",
    "cancelled": "was cancelled",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: kind is a job's state, or worker, or queue."""

    at: datetime
    kind: str
    text: str
    job: int | None = None


class News:
    """Compares each look with the one before."""

    def __init__(self) -> None:
        self._last: Sample | None = None

    def of(self, sample: Sample) -> list[Event]:
        """What is new in it, the oldest first; of the first look only how attempts ended."""
        before, self._last = self._last, sample
        found = list(ended(before, sample))
        if before is not None:
            found += [*workers(before, sample), *queues(before, sample)]
        return sorted(found, key=lambda event: event.at)


def ended(before: Sample | None, now: Sample) -> Iterator[Event]:
    """The attempts that ended since."""
    known = {(end.job_id, end.attempt, end.finished_at) for end in before.ends} if before else set()
    since = before.ends[0].finished_at if before and before.ends else None
    for end in now.ends:
        is_new = (end.job_id, end.attempt, end.finished_at) not in known
        if is_new and (since is None or end.finished_at >= since):
            yield Event(end.finished_at, end.state, sentence(end), end.job_id)


def sentence(end: End) -> str:
    """How an attempt ended."""
    words = [end.task or "a job"]
    if end.state == "succeeded":
        words.append(f"in {run_time(end.run_seconds)}")
    else:
        words.append(SAID.get(end.state, end.state))
    if end.error_type:
        words[1] += f" ({end.error_type})"
    if end.attempt > 1:
        words.append(f"at attempt {end.attempt}")
    return " ".join(words)


def workers(before: Sample, now: Sample) -> Iterator[Event]:
    """The workers that came and went."""
    was = {worker.id: worker for worker in before.stats.workers if worker.is_alive}
    alive = {worker.id: worker for worker in now.stats.workers if worker.is_alive}
    for worker in (alive[each] for each in alive.keys() - was.keys()):
        yield Event(now.moment, "worker", f"worker {worker.host}:{worker.process_id} joined")
    for worker in (was[each] for each in was.keys() - alive.keys()):
        yield Event(now.moment, "worker", f"worker {worker.host}:{worker.process_id} is gone")


def queues(before: Sample, now: Sample) -> Iterator[Event]:
    """The queues that were paused or resumed."""
    was = {queue.queue: queue.paused_at for queue in before.stats.queues}
    for queue in now.stats.queues:
        if queue.queue in was and (queue.paused_at is None) != (was[queue.queue] is None):
            word = "resumed" if queue.paused_at is None else "paused"
            yield Event(now.moment, "queue", f"queue {queue.queue} {word}")
