"""What happens, as it happens: the newest on top."""

from nicegui import ui

from pgqueue.dashboard.board import Board
from pgqueue.dashboard.frame import Visit, ago, link, live, state_badge, text
from pgqueue.dashboard.news import Event
from pgqueue.dashboard.pages import page

MOST = 100


def add_page(board: Board) -> None:
    """Serve it."""
    page.add(board, "/events", "Events", body)


async def body(visit: Visit) -> None:
    """The feed. It moves too fast to be read aloud by itself."""
    text("Up to 40 attempts are told of every two seconds; the numbers on the overview count all.", "p")
    waiting = text("Nothing has happened yet.", "p")
    feed = ui.element("ol").classes("feed").props('role="log" aria-live="off"')
    shown: list[tuple[Event, ui.element]] = []

    def refresh() -> None:
        known = {event for event, _ in shown}
        for event in list(visit.board.watcher.events)[-MOST:]:
            if event not in known:
                with feed:
                    shown.append((event, entry(visit, event)))
                shown[-1][1].move(target_index=0)
        waiting.visible = not shown
        while len(shown) > MOST:
            shown.pop(0)[1].delete()

    live(visit, refresh)


def entry(visit: Visit, event: Event) -> ui.element:
    """One event in a line."""
    with ui.element("li") as line:
        ago(event.at)
        state_badge(event.kind)
        if event.job is None:
            text(event.text)
        else:
            link(event.text, visit.href(f"/job/{event.job}"))
    return line
