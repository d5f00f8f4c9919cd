"""What viewers do to jobs, queues and workers. It must never be done for one who may only look."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import psycopg
from nicegui import context, ui

from pgqueue.async_client import AsyncClient
from pgqueue.dashboard.board import Viewer
from pgqueue.dashboard.frame import text
from pgqueue.dashboard.watcher import words_of
from pgqueue.errors import PgQueueError
from pgqueue.record import State

log = logging.getLogger("pgqueue.dashboard")

REASON = "cancelled in the dashboard"
ACTS: dict[str, tuple[State, ...]] = {  # what may be done to a job, and in which states
    "cancel": ("waiting", "scheduled", "running"),
    "run now": ("scheduled",),
    "retry": ("dead",),
}


async def attempt(viewer: Viewer, act: Callable[[], Awaitable[str]]) -> bool:
    """Do it and say what came of it. Returns whether it was done."""
    if not viewer.may_act:
        ui.notify("This takes the role admin; if you had it, log in again.", type="negative")
        return False
    try:
        said = await act()
    except PgQueueError as error:
        log.warning("not done: %s: %s", type(error).__name__, error)
        ui.notify(words_of(error), type="negative")
        return False
    except psycopg.Error:
        log.exception("not done")
        ui.notify("The database refused; the log says more.", type="negative")
        return False
    ui.notify(said, type="positive")
    return True


async def act_on_job(client: AsyncClient, what: str, job: int) -> str:
    """Do this to a job. Returns what came of it. Raises UnknownJob."""
    if what == "cancel":
        return f"job {job} was {await client.cancel(job, reason=REASON)}; it is cancelled, or told to stop"
    if what == "run now":
        return f"job {job} is due now" if await client.run_now([job]) else f"job {job} was not put off"
    if what == "retry":
        return f"job {job} waits again" if await client.redrive([job]) else f"job {job} is no dead letter"
    raise ValueError(f"nothing called {what!r} can be done to a job")


async def confirmed(question: str, answer: str) -> bool:
    """Whether the viewer says so."""
    with context.client.content, ui.dialog() as dialog, ui.card().classes("ask"):
        text(question, "p")
        with ui.row():
            for label, said, color in (("Keep", "", None), (answer, "yes", "negative")):
                ui.button(label, on_click=partial(dialog.submit, said), color=color).props("no-caps")
    try:
        return bool(await dialog == "yes")
    finally:
        dialog.delete()
