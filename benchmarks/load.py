"""The load, in processes of its own: who enqueues, who claims; it must never pause what it measures."""

import time
from dataclasses import dataclass

from benchmarks.contestants import Contestant
from benchmarks.flow import Flow, Timeline
from benchmarks.host import connect
from benchmarks.latency import due_moments

BATCHES_PER_SECOND = 100
MOST_AHEAD = 10_000
"""At full speed the producer stays this near, so that a queue is measured and not a backlog."""
FULL_BATCH = 100
LOOK_SECONDS = 0.001


@dataclass(frozen=True)
class Consumed:
    """What one consumer saw: jobs per slice of time, and how long each claim took that found some."""

    counts: list[int]
    claim_seconds: list[float]


@dataclass(frozen=True)
class Load:
    """What is enqueued. rate: jobs per second, in an open loop; None for as fast as they are consumed."""

    seconds: float
    rate: int | None
    is_counted: bool = False


def produce(contestant: Contestant, dsn: str, flow: Flow, load: Load) -> None:
    """Enqueue for that long."""
    system = connect(contestant, dsn, is_counted=load.is_counted)
    seconds, rate = load.seconds, load.rate
    began = flow.begin()
    if rate is None:
        ends = began + seconds
        while time.monotonic() < ends:
            if flow.ahead >= MOST_AHEAD:
                time.sleep(LOOK_SECONDS)
                continue
            system.enqueue(FULL_BATCH)
            flow.enqueued.value += FULL_BATCH
    else:
        batch = rate // BATCHES_PER_SECOND
        for _ in due_moments(BATCHES_PER_SECOND, seconds):
            system.enqueue(batch)
            flow.enqueued.value += batch
    system.close()


def consume(contestant: Contestant, dsn: str, flow: Flow, seconds: float) -> Consumed:
    """Claim and finish for that long."""
    system = connect(contestant, dsn)
    claim_seconds: list[float] = []
    timeline = Timeline(flow.begin(), seconds)
    while (began := time.monotonic()) < timeline.ends:
        claimed = system.claim(FULL_BATCH)
        ended = time.monotonic()
        if not claimed:
            time.sleep(LOOK_SECONDS)
            continue
        if timeline.is_warm(began):
            claim_seconds.append(ended - began)
        system.finish(claimed)
        timeline.add(len(claimed), time.monotonic())
        flow.finished.value += len(claimed)
    system.close()
    return Consumed(timeline.counts, claim_seconds)
