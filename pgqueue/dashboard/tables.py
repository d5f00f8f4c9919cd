"""Tables of jobs. Cells are text; times are told by the browser."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from nicegui import events, ui

from pgqueue.dashboard.acting import ACTS
from pgqueue.dashboard.frame import Visit
from pgqueue.record import JobSummary

ID_CELL = """<q-td :props="props"><a :href="props.row.href" class="id">{{ props.value }}</a></q-td>"""
STATE_CELL = (
    """<q-td :props="props"><span :class="'state state-' + props.value">{{ props.value }}</span></q-td>"""
)
TIME_CELL = """<q-td :props="props"><time v-if="props.value" :datetime="props.value"></time></q-td>"""
ACTS_CELL = """
<q-td :props="props">
  <q-btn v-for="act in (props.value || '').split(',').filter(act => act)" :key="act" :label="act"
    :aria-label="act + ' job ' + props.row.id" flat dense no-caps size="sm" class="act"
    @click="() => $parent.$emit('act', props.row.id, act)" />
</q-td>
"""
Act = Callable[[str, str], Awaitable[None]]
"""Is told a job's id and what shall be done to it."""


def column(name: str, label: str | None = None, **more: Any) -> dict[str, Any]:
    """A column, its name being that of the rows' field; to the left unless told."""
    return {"name": name, "label": name if label is None else label, "field": name, "align": "left", **more}


NUMBER = {"align": "right", "classes": "number", "headerClasses": "number"}
JOB_COLUMNS = [
    column("id", "Job"),
    column("state", "State"),
    column("queue", "Queue"),
    column("task", "Task"),
    column("priority", "Priority", **NUMBER),
    column("attempt", "Attempt", **NUMBER),
    column("enqueued", "Enqueued"),
    column("due", "Due or since"),
    column("acts", ""),
]


def table(name: str, columns: list[dict[str, Any]], rows: list[dict[str, Any]], **options: Any) -> ui.table:
    """A table; `name` says what of, for those who do not see it."""
    made = ui.table(columns=columns, rows=rows, pagination=0, **options)
    made.props("flat dense hide-pagination").classes("table")
    made.props["aria-label"] = name
    made.props["no-data-label"] = "nothing here"
    for column_name, cell in (("id", ID_CELL), ("state", STATE_CELL)):
        made.add_slot(f"body-cell-{column_name}", cell)
    return made


def job_table(visit: Visit, jobs: Iterable[JobSummary], act: Act | None) -> ui.table:
    """A table of jobs; with what may be done to each, where `act` is given."""
    rows = [job_row(visit, job, may_act=act is not None) for job in jobs]
    made = table("Jobs", JOB_COLUMNS if act else JOB_COLUMNS[:-1], rows)
    for name in ("enqueued", "due"):
        made.add_slot(f"body-cell-{name}", TIME_CELL)
    if act is not None:
        with_acts(made, act)
    return made


def with_acts(made: ui.table, act: Act) -> None:
    """Have the buttons in the column `acts` do something."""

    async def asked(event: events.GenericEventArguments) -> None:
        job, what = event.args
        await act(str(job), str(what))

    made.add_slot("body-cell-acts", ACTS_CELL)
    made.on("act", asked)


def job_row(visit: Visit, job: JobSummary, *, may_act: bool) -> dict[str, Any]:
    """What the table shows of a job; its id is text, for JavaScript's end at 53 bits."""
    due = job.finished_at or job.claimed_at or job.run_at
    return {
        "id": str(job.id),
        "href": visit.href(f"/job/{job.id}"),
        "state": job.state,
        "queue": job.queue,
        "task": job.task,
        "priority": job.priority,
        "attempt": f"{job.attempt} of {job.max_attempts}",
        "enqueued": job.enqueued_at.isoformat(),
        "due": due.isoformat() if due else "",
        "acts": ",".join(acts_on(job.state)) if may_act else "",
    }


def acts_on(state: str) -> list[str]:
    """What may be done to a job in this state."""
    return [act for act, states in ACTS.items() if state in states]
