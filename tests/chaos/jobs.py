"""Which jobs a run enqueues: how often each kind, and with what arguments."""

import time
from collections.abc import Callable
from random import Random

from pgqueue.job import Job
from tests.chaos import tasks
from tests.chaos.ledger import Entry

DURATIONS_SECONDS = (*(0.0, 0.01, 0.1) * 6, 1.0, 1.0, 6.0)  # some outlast the lease
KIND_WEIGHTS = {
    "plain": 40,
    "blocking": 8,
    "flaky": 12,
    "snoozing": 4,
    "effect": 24,
    "parent": 6,
    "doomed": 10,
    "consumed": 12,
    "booked": 12,
}


def some_kind(random: Random) -> str:
    """A kind, each as often as its weight says."""
    return random.choices(list(KIND_WEIGHTS), list(KIND_WEIGHTS.values()))[0]


def job_of(entry: Entry, random: Random) -> Job:
    """The job of this entry, with arguments of its kind."""
    key, seconds = entry.key, random.choice(DURATIONS_SECONDS)
    jobs: dict[str, Callable[[], Job]] = {
        "plain": lambda: tasks.plain.job(key=key, seconds=seconds),
        "blocking": lambda: tasks.blocking.job(key=key, seconds=seconds),
        "flaky": lambda: tasks.flaky.job(key=key, failures=random.randint(1, 3)),
        "snoozing": lambda: tasks.snoozing.job(key=key, until=time.monotonic() + random.uniform(0, 3)),
        "effect": lambda: tasks.effect.job(
            key=key, rollbacks=random.choice((0, 0, 1, 2)), fails_after=random.random() < 0.2
        ),
        "parent": lambda: tasks.parent.job(key=key),
        "consumed": lambda: tasks.consumed.job(key=key),
        "booked": lambda: tasks.booked.job(key=key),
        "doomed": lambda: tasks.doomed.job(key=key),
        "poison": lambda: tasks.poison.job(key=key),
    }
    return jobs[entry.kind]()
