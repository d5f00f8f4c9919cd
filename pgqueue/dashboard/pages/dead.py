"""Dead letters: to look at, put back or delete, one, some, or all that fit the filters."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

from nicegui import ui

from pgqueue.dashboard.acting import attempt, confirmed
from pgqueue.dashboard.board import Board
from pgqueue.dashboard.filters import SINCE, chosen, entry, queue_names, select, since
from pgqueue.dashboard.frame import Visit, link
from pgqueue.dashboard.pages import page
from pgqueue.dashboard.parts import counted
from pgqueue.dashboard.tables import NUMBER, TIME_CELL, column, table
from pgqueue.record import DeadLetter, DeadPlace

ON_PAGE = 50
AT_ONCE = 500  # letters a transaction puts back or deletes
MOST = 100_000  # letters a click reaches
LONGEST_MESSAGE = 160
COLUMNS = [
    column("id", "Job"),
    column("queue", "Queue"),
    column("task", "Task"),
    column("error", "Error"),
    column("message", "Message", classes="message"),
    column("attempt", "Attempts", **NUMBER),
    column("died", "Died"),
]
RETRIED = ("job waits again", "jobs wait again")
PURGED = ("dead letter is deleted", "dead letters are deleted")
Do = Callable[[list[int]], Awaitable[list[int]]]


def add_page(board: Board) -> None:
    """Serve it."""
    page.add(board, "/dead", "Dead letters", body)


async def body(visit: Visit) -> None:
    """Filters, what may be done, one page."""
    with ui.element("div").classes("filters").props('role="search"'):
        select(visit, "queue", "Queue", queue_names(visit))
        entry(visit, "task", "Task")
        entry(visit, "error", "Error")
        select(visit, "since", "Died", SINCE)
    letters = await asked(visit, before=place_of(chosen(visit, "after")), limit=ON_PAGE)
    bar = ui.element("div").classes("acts")
    rows = [row(visit, letter) for letter in letters]
    may_act = visit.viewer.may_act
    made = table("Dead letters", COLUMNS, rows, selection="multiple" if may_act else None)
    made.add_slot("body-cell-died", TIME_CELL)
    if may_act:
        with bar:
            Buttons(visit, made)
    turning(visit, letters)


class Buttons:
    """Retry and delete: those chosen, or all that fit."""

    def __init__(self, visit: Visit, made: ui.table) -> None:
        self._visit = visit
        self._table = made
        chosen_buttons = [button("Retry chosen", self.retry), button("Delete chosen", self.purge)]
        for each in chosen_buttons:
            each.disable()
        made.on_select(lambda _: [each.set_enabled(bool(made.selected)) for each in chosen_buttons])
        button("Retry all that fit", self.retry_all)
        button("Delete all that fit", self.purge_all)

    def _chosen(self) -> list[int]:
        return [int(each["id"]) for each in self._table.selected]

    async def retry(self) -> None:
        """Put back those chosen."""
        await done(self._visit, self._visit.board.client.redrive, once(self._chosen()), RETRIED)

    async def retry_all(self) -> None:
        """Put back all that fit."""
        if await confirmed("Retry every dead letter that fits the filters?", "Retry all"):
            await done(self._visit, self._visit.board.client.redrive, matching(self._visit), RETRIED)

    async def purge(self) -> None:
        """Delete those chosen."""
        ids = self._chosen()
        question = f"Delete {counted(len(ids), 'dead letter', 'dead letters')} for good?"
        if await confirmed(question, "Delete"):
            await done(self._visit, self._visit.board.client.purge, once(ids), PURGED)

    async def purge_all(self) -> None:
        """Delete all that fit."""
        if await confirmed("Delete every dead letter that fits the filters, for good?", "Delete all"):
            await done(self._visit, self._visit.board.client.purge, matching(self._visit), PURGED)


def button(label: str, act: Callable[[], Awaitable[None]]) -> ui.button:
    """A button that does this."""
    return ui.button(label, on_click=act, color=None).props("outline no-caps")


async def done(visit: Visit, do: Do, parts: AsyncIterator[list[int]], said: tuple[str, str]) -> None:
    """Do it part by part, each in a transaction of its own, and show the list anew."""

    async def act() -> str:
        reached = 0
        async for part in parts:
            reached += len(await do(part))
            if reached >= MOST:
                break
        return counted(reached, *said)

    if await attempt(visit.viewer, act):
        ui.navigate.reload()


async def once(ids: list[int]) -> AsyncIterator[list[int]]:
    """These, in one part."""
    yield ids


async def matching(visit: Visit) -> AsyncIterator[list[int]]:
    """The ids of all letters that fit now, part by part; those that die meanwhile are not among them."""
    letters = await asked(visit, limit=AT_ONCE)
    while letters:
        yield [letter.id for letter in letters]
        letters = await asked(visit, before=letters[-1], limit=AT_ONCE)


async def asked(
    visit: Visit, *, before: DeadLetter | DeadPlace | None = None, limit: int
) -> list[DeadLetter]:
    """The letters that fit the address, in brief."""
    return await visit.board.client.dead_letters(
        queue=chosen(visit, "queue"),
        task=chosen(visit, "task"),
        error_type=chosen(visit, "error"),
        died_since=since(visit),
        before=before,
        limit=limit,
        brief=True,
    )


def place_of(text: str | None) -> DeadPlace | None:
    """Where the page before ended, as its link says; the beginning where it says nothing of sense."""
    died_at, _, job = (text or "").rpartition("_")
    try:
        return DeadPlace(datetime.fromisoformat(died_at).astimezone(), int(job))
    except (ValueError, OverflowError):
        return None


def row(visit: Visit, letter: DeadLetter) -> dict[str, Any]:
    """What the table shows of a letter."""
    found = letter.error and visit.board.redact(letter.task, "error", letter.error)
    error = found if isinstance(found, dict) else {"message": found}
    return {
        "id": str(letter.id),
        "href": visit.href(f"/job/{letter.id}"),
        "queue": letter.queue,
        "task": letter.task,
        "error": str(error.get("type") or ""),
        "message": str(error.get("message") or "")[:LONGEST_MESSAGE],
        "attempt": letter.attempt,
        "died": letter.died_at.isoformat(),
    }


def turning(visit: Visit, letters: list[DeadLetter]) -> None:
    """To the beginning, and on."""
    with ui.element("nav").classes("turning").props('aria-label="Pages of the list"'):
        if visit.query.get("after"):
            link("First page", visit.href("/dead", **{**visit.query, "after": None}))
        if len(letters) == ON_PAGE:
            place = f"{letters[-1].died_at.isoformat()}_{letters[-1].id}"
            link("Next page", visit.href("/dead", **{**visit.query, "after": place}))
