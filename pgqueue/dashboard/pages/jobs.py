"""The list of jobs: a page at a time, and what may be done to each."""

from typing import get_args

from nicegui import ui

from pgqueue.dashboard.acting import act_on_job, attempt
from pgqueue.dashboard.board import Board
from pgqueue.dashboard.filters import SINCE, chosen, entry, queue_names, select, since
from pgqueue.dashboard.frame import Visit, link, text
from pgqueue.dashboard.pages import page
from pgqueue.dashboard.tables import job_table
from pgqueue.record import JobPage, State

ON_PAGE = 50
STATES: tuple[State, ...] = get_args(State)
DIGITS = 19


def add_page(board: Board) -> None:
    """Serve it."""
    page.add(board, "/jobs", "Jobs", body)


async def body(visit: Visit) -> None:
    """Filters, one page, and the way to the next."""
    with ui.element("div").classes("filters").props('role="search"'):
        select(visit, "state", "State", STATES)
        select(visit, "queue", "Queue", queue_names(visit))
        entry(visit, "task", "Task")
        select(visit, "since", "Enqueued", SINCE)
        by_id()
    found = await asked(visit)

    async def act(job: str, what: str) -> None:
        if await attempt(visit.viewer, lambda: act_on_job(visit.board.client, what, int(job))):
            ui.navigate.reload()

    job_table(visit, found.jobs, act if visit.viewer.may_act else None)
    turning(visit, found)


async def asked(visit: Visit) -> JobPage:
    """The page that the address means."""
    state = chosen(visit, "state")
    return await visit.board.client.list_jobs(
        state=state if state in STATES else None,
        queue=chosen(visit, "queue"),
        task=chosen(visit, "task"),
        enqueued_since=since(visit),
        after=chosen(visit, "after"),
        limit=ON_PAGE,
    )


def by_id() -> None:
    """A job's number leads to its page."""
    number = (
        ui.input(label="Job id", validation={"digits": is_id})
        .props("outlined dense hide-bottom-space")
        .classes("filter")
    )

    def look() -> None:
        if number.value and is_id(number.value):
            ui.navigate.to(f"/job/{number.value.strip()}")

    number.on("keydown.enter", look)


def is_id(value: str | None) -> bool:
    """Whether this can be the id of a job; an empty field may yet become one."""
    given = (value or "").strip()
    return not given or (given.isascii() and given.isdigit() and len(given) <= DIGITS)


def turning(visit: Visit, found: JobPage) -> None:
    """To the beginning, and on."""
    with ui.element("nav").classes("turning").props('aria-label="Pages of the list"'):
        if visit.query.get("after"):
            link("First page", visit.href("/jobs", **{**visit.query, "after": None}))
        if found.next is not None:
            if not found.jobs:
                text("Nothing among those looked at so far.")
            link("Next page", visit.href("/jobs", **{**visit.query, "after": found.next}))
