"""Puts the dashboard beside the API. It must never be made twice in a process: its library serves one.

Reconnecting is the library's: socket.io tries after a second, then up to five, each time half more or less.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.resources import files
from itertools import count

from fastapi import FastAPI
from nicegui import ui
from starlette.requests import Request
from starlette.responses import RedirectResponse

from pgqueue.dashboard import pages
from pgqueue.dashboard.board import Board
from pgqueue.dashboard.door import PREFIX, Door
from pgqueue.dashboard.sessions import Sessions
from pgqueue.dashboard.sockets import bind_sockets, made_for
from pgqueue.dashboard.watcher import Watcher
from pgqueue.http.access import Authenticate, Token, by_place, by_token
from pgqueue.http.app import close
from pgqueue.http.service import Service

RECONNECT_SECONDS = 30.0  # how long a page whose line was cut keeps its place

made = count()


def add_dashboard(
    api: FastAPI,
    *,
    tokens: Collection[Token] | None = None,
    authenticate: Authenticate | None = None,
) -> FastAPI:
    """An app that serves the API of `create_app`, and a dashboard of the same installation below /dashboard.

    tokens: the API's. Who logs in with one may look if it has the role read, and act if admin.
        None: only programs of the same machine are served.
    authenticate: your own way to tell a viewer's roles, in place of tokens. Raises Refused.

    What the API hides of jobs is hidden here, too. To be served, not mounted.
    Raises RuntimeError for a second one in a process.
    """
    if next(made):
        raise RuntimeError("this process has a dashboard already: serve another from its own process")
    service: Service = api.state.service
    board = Board(service.client, Watcher(service.client), service.redact)
    app = FastAPI(lifespan=living(api, board.watcher), docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service  # by which `stop` finds it
    app.add_middleware(
        Door,
        authenticate=authenticate or by_place,
        sessions=Sessions(by_token(tokens)) if tokens is not None and authenticate is None else None,
        made_for=made_for,
    )
    for path in ("/", PREFIX):
        app.add_route(path, to_dashboard)
    bind_sockets()
    pages.add_pages(board)
    add_interface(app)
    app.mount("", api)
    return app


def add_interface(app: FastAPI) -> None:
    """Have the pages served, with everything they need: nothing is fetched from elsewhere."""
    ui.add_head_html(f"<style>{asset('style.css')}</style><script>{asset('ago.js')}</script>", shared=True)
    ui.run_with(
        app,
        mount_path=PREFIX,
        title="pgqueue",
        favicon="🐘",
        dark=None,
        language="en-US",
        reconnect_timeout=RECONNECT_SECONDS,
        binding_refresh_interval=None,
        tailwind=False,
        show_welcome_message=False,
    )


def living(api: FastAPI, watcher: Watcher) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A lifespan in which the installation is watched, and at whose end the API is closed."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(watcher.run())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await close(api)

    return lifespan


async def to_dashboard(request: Request) -> RedirectResponse:
    """Where whoever comes by without a path is sent."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}{PREFIX}/", status_code=307)


def asset(name: str) -> str:
    """The text of a file that lies beside this one."""
    return files(__package__).joinpath(name).read_text()
