"""How a page is answered: what the database refuses is told on it, and more in the log."""

import logging
from collections.abc import Awaitable, Callable

import psycopg
from nicegui import ui
from starlette.requests import Request

from pgqueue.dashboard.board import Board
from pgqueue.dashboard.frame import Visit, frame, text, visit_of
from pgqueue.dashboard.watcher import words_of
from pgqueue.errors import PgQueueError

log = logging.getLogger("pgqueue.dashboard")

PATIENCE_SECONDS = 30.0

Body = Callable[[Visit], Awaitable[None]]


def add(board: Board, path: str, title: str, body: Body) -> None:
    """Serve this page."""

    @ui.page(path, response_timeout=PATIENCE_SECONDS)
    async def page(request: Request) -> None:
        visit = visit_of(board, request)
        with frame(visit, title):
            try:
                await body(visit)
            except PgQueueError as error:
                log.warning("%s: %s: %s", path, type(error).__name__, error)
                text(words_of(error), "p").classes("trouble").props('role="alert"')
            except psycopg.Error:
                log.exception("%s", path)
                text("The database refused; the log says more.", "p").classes("trouble").props('role="alert"')
