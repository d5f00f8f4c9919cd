"""From the moment a job is due to the first line of its handler: one at a time, and at fixed rates.

A job that is sent late must never count from when it was sent: an open loop does not wait for the queue.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks.contestants import Contestant
from benchmarks.delays import Delay
from benchmarks.host import postgres_host
from benchmarks.latency import due_batches, histogram, percentile
from benchmarks.lines import Line, check_line, open_line
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, Settings, rows_of

SCENARIO = "latency"
RATES = (100, 1_000, 5_000)
SECONDS = 5.0
PICKUPS = 60
"""One at a time, in one round."""
WARM_UP_SHARE = 0.1
"""Of each measurement, not counted."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.03, 0.08
"""Between two single jobs: long enough that the consumer sleeps, uneven so that no timer falls into step."""
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
IDLE = "idle"


class Course:
    """One line at one rate. rate: jobs per second; None for one job at a time.

    seconds: what was seen in all rounds, for the histogram.
    """

    def __init__(self, line: Line, rate: int | None) -> None:
        self.line = line
        self.rate = rate
        self.seconds: list[float] = []

    @property
    def settings(self) -> Settings:
        """What tells it from the others of its system."""
        return {"rate": self.rate or IDLE}

    def measure(self, *, seconds: float, pickups: int) -> Readings:
        """One round; every job is accounted for at its end."""
        first, began = self.line.delays.count(), time.monotonic()
        sent = (
            _send_singly(self.line, pickups) if self.rate is None else _send_at(self.line, self.rate, seconds)
        )
        took = time.monotonic() - began
        self.line.await_count(first + sent)
        check_line(self.line, first, sent)
        delays = [record.seconds for record in _warm(self.line.delays.since(first))]
        self.seconds += delays
        readings = {f"latency_{name}_seconds": percentile(delays, share) for name, share in SHARES.items()}
        return readings if self.rate is None else readings | {"achieved_per_second": sent / took}


def _send_singly(line: Line, count: int) -> int:
    for _ in range(count):
        time.sleep(random.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
        number = line.delays.count()
        line.send([(number, time.monotonic_ns())])
        line.await_count(number + 1)
    return count


def _send_at(line: Line, rate: int, seconds: float) -> int:
    number = first = line.delays.count()
    for due in due_batches(rate, seconds):
        line.send(list(enumerate(due, number)))
        number += len(due)
    return number - first


def _warm(records: Sequence[Delay]) -> list[Delay]:
    by_number = sorted(records)
    return by_number[int(len(by_number) * WARM_UP_SHARE) :]


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Percentiles by rate, the rate that was achieved, and a histogram."""
    measure = partial(Course.measure, seconds=plan.seconds_or(SECONDS), pickups=plan.scaled(PICKUPS))
    progress.begin(SCENARIO, len(contestants) * (len(RATES) + 1) * plan.rounds)
    rows: list[Row] = []
    with _open_lines(contestants) as lines:
        for rate in (None, *RATES):
            courses = [Course(line, rate) for line in lines]
            readings = interleave(courses, rounds=plan.rounds, measure=measure, progress=progress)
            for course, rounds in zip(courses, readings, strict=True):
                rows += rows_of_course(course, rounds)
    return rows


@contextmanager
def _open_lines(contestants: Sequence[Contestant]) -> Iterator[list[Line]]:
    with ExitStack() as stack:
        host = stack.enter_context(postgres_host())
        yield [stack.enter_context(open_line(contestant, host)) for contestant in contestants]


def rows_of_course(course: Course, rounds: Sequence[Readings]) -> list[Row]:
    """The figures, and one row per bucket: how many jobs of all rounds took longer than the one below it."""
    contestant = course.line.contestant
    make = partial(
        rows_of, scenario=SCENARIO, system=contestant.system, durability=contestant.durability, batch=1
    )
    rows = make(rounds, settings=course.settings)
    for upper, count in histogram(course.seconds).items():
        settings = {**course.settings, "upper_seconds": float(f"{upper:.3g}")}
        rows += make([{"latency_bucket": count}], settings=settings)
    return rows
