"""A steady load for minutes over short partition windows: sizes, dead tuples and latency must stay flat.

Some jobs fail and are retried, some die; none may be lost, and none may die that was not to.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.crew import FORKED, Crew
from benchmarks.flow import Flow
from benchmarks.given import Given
from benchmarks.host import postgres_host
from benchmarks.latency import due_moments
from benchmarks.plan import Plan
from benchmarks.plots.soak import draw_soak
from benchmarks.relations import Relations
from benchmarks.rounds import Progress
from benchmarks.rows import Readings, Row, Settings, rows_of
from benchmarks.soaking import Listener, check_all_ended, check_dead, produce_soaked
from benchmarks.stamps import Stamps
from benchmarks.steadiness import Seen, Shape, by_relation, judged
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.windows import shorten_windows
from benchmarks.worker_process import WorkerProcess
from pgqueue import Client

SCENARIO = "soak"
MINUTES = 10.0
RATE = 200
PRODUCERS = 4
WORKERS = 2
CONCURRENCY = 20
WINDOWS = 20
"""So many windows pass in one soak; the first third of it is not judged."""
SAMPLES = 300
SHORTEST_WINDOW_SECONDS = 1
PURGED_AT_ONCE = 1_000
PLOT = Path(__file__).resolve().parents[1] / "results" / "latest" / "soak.png"


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Figures of the last third, and each over that of the middle third. Draws the plot."""
    seconds = plan.minutes_or(MINUTES) * 60
    shape = Shape(seconds, max(round(seconds / WINDOWS), SHORTEST_WINDOW_SECONDS), jobs=int(RATE * seconds))
    progress.begin(SCENARIO, SAMPLES * len(contestants))
    rows: list[Row] = []
    for contestant in contestants:
        seen = measure(contestant, shape, progress, plan.given)
        rows += _rows_of(contestant, shape, seen)
        path = plan.plot or PLOT
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_soak(path, shape, seen, title=f"{contestant.label}, {RATE} jobs/s")
        sys.stderr.write(f"plot: {path}\n")
    return rows


def measure(contestant: Contestant, shape: Shape, progress: Progress, given: Given) -> Seen:
    """One soak, every job accounted for."""
    with ExitStack() as stack:
        host = stack.enter_context(postgres_host(given=given))
        dsn = stack.enter_context(host.database(contestant))
        shorten_windows(dsn, timedelta(seconds=shape.window_seconds))
        system = PgQueue(dsn, contestant.durability)
        stack.callback(system.close)
        stamps = stack.enter_context(Stamps())
        listener = stack.enter_context(_listening(stamps))
        starting = [WorkerProcess(dsn, stamps.path, concurrency=CONCURRENCY) for _ in range(WORKERS)]
        workers = [stack.enter_context(worker) for worker in starting]
        for worker in workers:
            worker.await_joined()
        purger = Purger(stack.enter_context(Client(dsn)))
        seen = _soak(system.dsn, shape, purger, workers, progress)
        seen.heard = listener.heard
        workers[0].await_that(lambda: len(seen.heard.ended) >= shape.jobs)
        workers[0].await_that(system.is_drained)
        purger.purge()
    check_all_ended(seen.heard, shape.jobs)
    check_dead(purger.purged, range(shape.jobs))
    return seen


class Purger:
    """What cron would do: the dead letters, which are kept for ever otherwise, are counted and deleted."""

    def __init__(self, client: Client) -> None:
        self.purged = 0
        self._client = client

    def purge(self) -> None:
        """One round."""
        while dead := [letter.id for letter in self._client.dead_letters(limit=PURGED_AT_ONCE, brief=True)]:
            self.purged += len(self._client.purge(dead))


def _soak(
    dsn: str, shape: Shape, purger: Purger, workers: Sequence[WorkerProcess], progress: Progress
) -> Seen:
    """Run the load, and look on."""
    relations = Relations(dsn)
    flow = Flow(parties=PRODUCERS + 1)
    with Crew(FORKED) as crew:
        producers = [
            crew.start(produce_soaked, dsn, flow, range(first, shape.jobs, PRODUCERS), RATE / PRODUCERS)
            for first in range(PRODUCERS)
        ]
        seen = Seen(flow.begin())
        purge_at = seen.began + shape.window_seconds
        for due in due_moments(SAMPLES / shape.seconds, shape.seconds):
            seen.samples.append((time.monotonic(), relations.sample()))
            if due >= purge_at:
                purger.purge()
                purge_at += shape.window_seconds
            for worker in workers:
                worker.check_alive()
            progress.advance()
        seen.enqueues = [timed for producer in producers for timed in producer.answer()]
    relations.close()
    return seen


@contextmanager
def _listening(stamps: Stamps) -> Iterator[Listener]:
    listener = Listener(stamps)
    listener.start()
    try:
        yield listener
    finally:
        listener.is_over.set()
        listener.join()


def _rows_of(contestant: Contestant, shape: Shape, seen: Seen) -> list[Row]:
    rows: list[Row] = []
    settings: Settings = {"window_seconds": shape.window_seconds, "jobs_per_second": RATE}
    figures: list[tuple[Settings, Readings]] = [(settings, judged(shape, seen))]
    figures += [({**settings, "relation": name}, one) for name, one in by_relation(shape, seen).items()]
    for varying, readings in figures:
        rows += rows_of(
            [readings],
            scenario=SCENARIO,
            system=contestant.system,
            durability=contestant.durability,
            batch=1,
            settings=varying,
        )
    return rows
