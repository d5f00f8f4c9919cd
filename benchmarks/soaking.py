"""The load of a soak: who enqueues, how often a job fails, who listens; it must never wait for a stall."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.failures import BenchmarkFailed
from benchmarks.flow import Flow
from benchmarks.latency import due_moments
from benchmarks.stamps import Stamps
from benchmarks.tasks import soaked
from pgqueue import Client

RETRIED_OF_100 = 9
DEAD_OF_100 = 1
LISTEN_SECONDS = 0.2
NO_JOB = 1


@dataclass(frozen=True)
class Timed:
    """A latency, and the moment it began, by the monotonic clock."""

    at: float
    seconds: float


def failures_of(number: int) -> int:
    """How often job `number` fails: one in a hundred for good, nine once. It may be delivered twice."""
    place = number % 100
    return 2 if place < DEAD_OF_100 else int(place < DEAD_OF_100 + RETRIED_OF_100)


def last_attempt_of(number: int) -> int:
    """Its last delivery, be that its success or its death."""
    return min(failures_of(number) + 1, 2)


def produce_soaked(dsn: str, flow: Flow, numbers: range, per_second: float) -> list[Timed]:
    """Enqueue these jobs one by one in an open loop; how long each took from the moment it was due."""
    timed: list[Timed] = []
    with Client(dsn) as client:
        client.get(NO_JOB)  # connects before the clock starts
        flow.begin()
        for number, due in zip(numbers, due_moments(per_second, len(numbers) / per_second), strict=False):
            job = soaked.job(number=number, sent_ns=time.monotonic_ns(), failures=failures_of(number))
            client.enqueue(job)
            timed.append(Timed(due, time.monotonic() - due))
    return timed


@dataclass
class Heard:
    """What the workers told: how soon each job started, and which had their last delivery."""

    pickups: list[Timed] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)


class Listener(threading.Thread):
    """Hears of every start, in a thread: a worker would have to wait where nobody listens."""

    def __init__(self, stamps: Stamps) -> None:
        super().__init__(daemon=True)
        self.heard = Heard()
        self.is_over = threading.Event()
        self._stamps = stamps

    def run(self) -> None:
        """Listen until it is over."""
        while not self.is_over.is_set():
            start = self._stamps.start_within(LISTEN_SECONDS)
            if start is None:
                continue
            if start.attempt == 1:
                sent = start.sent_ns / 1e9
                self.heard.pickups.append(Timed(sent, start.at_ns / 1e9 - sent))
            if start.attempt >= last_attempt_of(start.number):
                self.heard.ended.add(start.number)


def check_all_ended(heard: Heard, jobs: int) -> None:
    """Fail if a job never had its last delivery."""
    lost = sorted({*range(jobs)} - heard.ended)
    if lost:
        raise BenchmarkFailed(f"{len(lost)} of {jobs} jobs never ended, among them number {lost[0]}")


def check_dead(found: int, numbers: Sequence[int]) -> None:
    """Fail unless exactly those died that were to."""
    expected = sum(failures_of(number) == 2 for number in numbers)
    if found != expected:
        raise BenchmarkFailed(f"{found} jobs are dead where {expected} were to die")
