"""Queues and workers, each to be paused and resumed."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import events, ui

from pgqueue.calls.stats import QueueStats, WorkerStats
from pgqueue.dashboard.acting import attempt
from pgqueue.dashboard.board import Board
from pgqueue.dashboard.fleet import state_of
from pgqueue.dashboard.frame import Visit, heading, live
from pgqueue.dashboard.history import Depth
from pgqueue.dashboard.pages import page
from pgqueue.dashboard.parts import age, listed
from pgqueue.dashboard.tables import NUMBER, TIME_CELL, column, table

COUNTS = ("waiting", "scheduled", "running", "dead")
QUEUE_COLUMNS = [
    column("queue", "Queue"),
    column("state", "State"),
    *(column(name, name.capitalize(), **NUMBER) for name in COUNTS),
    column("oldest", "Oldest", **NUMBER),
    column("act", ""),
]
WORKER_COLUMNS = [
    column("worker", "Worker"),
    column("state", "State"),
    column("slots", "Busy", **NUMBER),
    column("jobs", "Holds", **NUMBER),
    column("started", "Up since"),
    column("queues", "Queues"),
    column("version", "Version"),
    column("act", ""),
]
ACT_CELL = """
<q-td :props="props">
  <q-btn v-if="props.value" :label="props.value" :aria-label="props.value + ' ' + props.row.name"
    flat dense no-caps size="sm" class="act"
    @click="() => $parent.$emit('act', props.row.key, props.value)" />
</q-td>
"""
Act = Callable[[str, str], Awaitable[str]]


def add_page(board: Board) -> None:
    """Serve it."""
    page.add(board, "/queues", "Queues and workers", body)


async def body(visit: Visit) -> None:
    """Both tables follow the looks."""
    client = visit.board.client

    async def act_on_queue(queue: str, what: str) -> str:
        await (client.pause(queue) if what == "pause" else client.resume(queue))
        return f"queue {queue} is {what}d"

    async def act_on_worker(worker: str, what: str) -> str:
        change = client.pause_worker if what == "pause" else client.resume_worker
        return f"worker {what}d" if await change(int(worker)) else "this worker is gone"

    tables = [
        section(visit, "Queues", QUEUE_COLUMNS, act_on_queue),
        section(visit, "Workers", WORKER_COLUMNS, act_on_worker),
    ]

    def refresh() -> None:
        sample = visit.board.watcher.sample
        if sample is not None:
            queues = sorted(sample.stats.queues, key=lambda queue: queue.queue)
            tables[0].rows = [queue_row(queue) for queue in queues]
            tables[1].rows = [worker_row(worker) for worker in sample.stats.workers]
            for each in tables:
                each.update()

    live(visit, refresh)


def section(visit: Visit, name: str, columns: list[dict[str, Any]], act: Act) -> ui.table:
    """A table under its name; its last column acts."""
    with ui.element("section").classes("panel"):
        heading(name)
        made = table(name, columns if visit.viewer.may_act else columns[:-1], [], row_key="key")
    made.add_slot("body-cell-started", TIME_CELL)
    if visit.viewer.may_act:
        made.add_slot("body-cell-act", ACT_CELL)

        async def asked(event: events.GenericEventArguments) -> None:
            key, what = (str(part) for part in event.args)
            if await attempt(visit.viewer, lambda: act(key, what)):
                await visit.board.watcher.look()

        made.on("act", asked)
    return made


def queue_row(queue: QueueStats) -> dict[str, Any]:
    """What is shown of a queue."""
    depths = {name: str(Depth(getattr(queue, name), name in queue.estimated)) for name in COUNTS}
    return {
        "key": queue.queue,
        "name": f"queue {queue.queue}",
        "queue": queue.queue,
        "state": "paused" if queue.paused_at else "open",
        "oldest": age(queue.oldest_age),
        "act": "resume" if queue.paused_at else "pause",
        **depths,
    }


def worker_row(worker: WorkerStats) -> dict[str, Any]:
    """What is shown of a worker; its id is text, for JavaScript's end at 53 bits."""
    name = f"{worker.host}:{worker.process_id}"
    return {
        "key": str(worker.id),
        "name": f"worker {name}",
        "worker": name,
        "state": state_of(worker),
        "slots": f"{worker.busy} of {worker.concurrency or '?'}",
        "jobs": worker.jobs,
        "started": worker.started_at.isoformat(),
        "queues": listed(worker.queues),
        "version": worker.version,
        "act": "resume" if worker.paused_at else "pause",
    }
