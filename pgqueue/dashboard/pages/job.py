"""One job: what it is, what became of each attempt, what it was given."""

from datetime import datetime
from typing import Any

from nicegui import ui

from pgqueue.dashboard.acting import act_on_job, attempt
from pgqueue.dashboard.board import Board
from pgqueue.dashboard.frame import Visit, ago, facts, heading, link, state_badge, text
from pgqueue.dashboard.pages import page
from pgqueue.dashboard.pages.jobs import is_id
from pgqueue.dashboard.parts import NOTHING, json_text, run_time, shortened, trace_of
from pgqueue.dashboard.tables import acts_on
from pgqueue.record import Attempt, JobRecord
from pgqueue.sealing import is_sealed

LARGEST_ID = 2**63 - 1
PARTS = ("payload", "result", "headers")


def add_page(board: Board) -> None:
    """Serve it."""
    page.add(board, "/job/{job_id}", "Job", body)


async def body(visit: Visit) -> None:
    """The job's record, or that there is none."""
    words = visit.path.rpartition("/")[2]
    record = None
    if is_id(words) and words and int(words) <= LARGEST_ID:
        record = await visit.board.client.get(int(words))
    if record is None:
        text(f"There is no job {words}; its history may be over.", "p")
        link("All jobs", visit.href("/jobs"))
        return
    acts(visit, record)
    parts = {part: visible(visit, record, part) for part in PARTS}
    summary(record, trace_of(parts["headers"]))
    timeline(visit, record)
    for part, value in parts.items():
        if value is not None:
            shown(part.capitalize(), value)


def visible(visit: Visit, record: JobRecord, part: str) -> Any:
    """What may be seen of a part; None where it has none."""
    value = getattr(record, part)
    return None if value is None else visit.board.redact(record.task, part, value)


def acts(visit: Visit, record: JobRecord) -> None:
    """What may be done to it."""
    with ui.element("div").classes("acts"):
        state_badge(record.state)
        for what in acts_on(record.state) if visit.viewer.may_act else ():
            ui.button(what.capitalize(), on_click=acting(visit, record.id, what), color=None).props(
                "outline no-caps"
            )
        ui.button("Refresh", on_click=ui.navigate.reload, color=None).props("flat no-caps")


def acting(visit: Visit, job: int, what: str) -> Any:
    """What a click does."""

    async def act() -> None:
        if await attempt(visit.viewer, lambda: act_on_job(visit.board.client, what, job)):
            ui.navigate.reload()

    return act


def summary(record: JobRecord, trace: str | None) -> None:
    """What it is and where it stands."""
    said = "" if record.note is None else f" · {record.note}"
    progress = NOTHING if record.progress is None else f"{record.progress:.0%}{said}"
    pairs: list[tuple[str, Any]] = [
        ("Id", record.id),
        ("Task", record.task),
        ("Queue", record.queue),
        ("Priority", record.priority),
        ("Attempt", f"{record.attempt} of {record.max_attempts}"),
        ("Progress", progress),
        ("Trace", trace or NOTHING),
    ]
    moments = (
        ("Enqueued", record.enqueued_at),
        ("Due", record.run_at),
        ("Claimed", record.claimed_at),
        ("Lease until", record.expires_at),
        ("Ended", record.finished_at),
    )
    pairs += [(name, teller(moment)) for name, moment in moments if moment is not None]
    facts(pairs)


def teller(moment: datetime) -> Any:
    """Shows a moment, when called."""
    return lambda: ago(moment)


def timeline(visit: Visit, record: JobRecord) -> None:
    """Every attempt, the first one first."""
    with ui.element("section").classes("panel"):
        heading("Attempts")
        if not record.attempts:
            text("None has ended yet.", "p")
        with ui.element("ol").classes("timeline"):
            for each in record.attempts:
                with ui.element("li").classes(f"attempt attempt-{each.state}"):
                    one(visit, record.task, each)


def one(visit: Visit, task: str, made: Attempt) -> None:
    """How an attempt ended, and why."""
    with ui.element("div").classes("attempt-line"):
        text(f"Attempt {made.number}", "strong")
        state_badge(made.state)
        ago(made.finished_at)
        text(f"ran {run_time(made.run_seconds)}")
        if made.worker is not None:
            text(f"worker {made.worker}", "small")
    if made.error is not None:
        failure(visit.board.redact(task, "error", made.error))


def failure(error: Any) -> None:
    """An error's class, its words, and its traceback behind a click; or whatever was put in its place."""
    if not isinstance(error, dict):
        text(str(error), "p")
        return
    if is_sealed(error.get("sealed")):
        text(f"{error.get('type')}: {json_text(error['sealed'])}", "p").classes("error")
        return
    text(shortened(f"{error.get('type')}: {error.get('message')}"), "p").classes("error")
    if error.get("traceback"):
        with ui.element("details"):
            text("Traceback", "summary")
            text(shortened(str(error["traceback"])), "pre").props('tabindex="0"')


def shown(name: str, value: Any) -> None:
    """A JSON value under its name."""
    with ui.element("section").classes("panel"):
        heading(name)
        text(json_text(value), "pre").props('tabindex="0"')
