"""The grid of workers: who is there, busy or idle, and at what."""

from collections import defaultdict
from collections.abc import Iterable

from nicegui import ui

from pgqueue.calls.activity import Ended
from pgqueue.calls.stats import WorkerStats
from pgqueue.dashboard.frame import ago, heading, text
from pgqueue.dashboard.history import Sample
from pgqueue.dashboard.parts import listed, run_time
from pgqueue.record import JobSummary

MOST = 60  # cards; a fleet may be larger than a page


class Card:
    """One worker."""

    def __init__(self, worker: WorkerStats) -> None:
        with ui.element("li").classes("worker") as self._card:
            with ui.element("div").classes("worker-name"):
                text(f"{worker.host}:{worker.process_id}", "strong")
                self._state = text("").classes("state")
            with ui.element("div").classes("slots").props('aria-hidden="true"') as self._bar:
                self._busy = ui.element("i")
            self._slots = text("", "span")
            with ui.element("span"):
                text("started ", "span")
                ago(worker.started_at)
            self._counts = text("", "span")
            self._jobs = text("", "small")

    def show(self, worker: WorkerStats, ended: Ended | None, jobs: list[JobSummary]) -> None:
        """How it is now."""
        state = state_of(worker)
        self._state.text = state
        self._state.classes(replace=f"state state-{state}")
        full = worker.busy / worker.concurrency if worker.concurrency else float(bool(worker.jobs))
        self._busy.style(f"width: {full:.0%}")
        self._slots.text = f"{worker.busy} of {worker.concurrency or '?'} slots, holds {worker.jobs:,}"
        self._counts.text = counts(ended)
        self._jobs.text = listed(sorted({job.task for job in jobs})) or "–"  # noqa: RUF001

    def delete(self) -> None:
        """Take it off the page."""
        self._card.delete()


class Fleet:
    """All workers, those at work longest first."""

    def __init__(self) -> None:
        self._cards: dict[int, Card] = {}
        with ui.element("section").classes("panel"):
            with heading("Workers"):
                self._note = text("", "small")
            self._grid = ui.element("ul").classes("workers")

    def show(self, sample: Sample) -> None:
        """Tell of each; cards come and go."""
        shown = {worker.id: worker for worker in sample.stats.workers[:MOST]}
        for gone in self._cards.keys() - shown.keys():
            self._cards.pop(gone).delete()
        held = by_worker(sample.running)
        for worker in shown.values():
            if worker.id not in self._cards:
                with self._grid:
                    self._cards[worker.id] = Card(worker)
            self._cards[worker.id].show(worker, sample.activity.by_worker.get(worker.id), held[worker.id])
        more = len(sample.stats.workers) - len(shown)
        self._note.text = f"and {more:,} more" if more else "" if shown else "none has joined"


def state_of(worker: WorkerStats) -> str:
    """A worker's state in a word."""
    if not worker.is_alive:
        return "gone"
    if worker.paused_at is not None:
        return "paused"
    return "busy" if worker.jobs else "idle"


def counts(ended: Ended | None) -> str:
    """What a worker did of late."""
    if ended is None:
        return "nothing lately"
    failed = ended.failed + ended.expired
    return (
        f"{ended.succeeded:,} done, {failed:,} to retry, {ended.dead:,} dead; {run_time(ended.run_mean)} each"
    )


def by_worker(jobs: Iterable[JobSummary]) -> dict[int, list[JobSummary]]:
    """The running jobs of each worker."""
    found: dict[int, list[JobSummary]] = defaultdict(list)
    for job in jobs:
        if job.worker is not None:
            found[job.worker].append(job)
    return found
