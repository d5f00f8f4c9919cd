"""What stands around every page, and the few elements pages are made of. Text is text, whatever it holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from nicegui import context, ui
from nicegui.elements.mixins.text_element import TextElement
from starlette.requests import Request

from pgqueue.dashboard.board import Board, Viewer
from pgqueue.dashboard.door import VIEWER

PAGES = (
    ("Overview", "/"),
    ("Jobs", "/jobs"),
    ("Dead letters", "/dead"),
    ("Queues and workers", "/queues"),
    ("Events", "/events"),
)
THEMES = {"dark": True, "light": False}
THEME_COOKIE = "pgqueue_theme"
TURN_THEME = """() => {
    const theme = document.body.classList.contains('body--dark') ? 'light' : 'dark';
    const path = window.path_prefix || '/';
    document.cookie = `pgqueue_theme=${theme}; path=${path}; max-age=31536000; samesite=lax`;
    Quasar.Dark.set(theme === 'dark');
}"""
LEAVE = "() => fetch(window.path_prefix + '/logout', { method: 'POST' }).then(() => location.reload())"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: for whom, and where the pages are."""

    board: Board
    viewer: Viewer
    root: str
    path: str
    query: dict[str, str]
    theme: bool | None

    def href(self, path: str, **query: str | None) -> str:
        """The address of a page; of the query what is given."""
        given = {name: value for name, value in query.items() if value}
        return f"{self.root}{path}" + (f"?{urlencode(given)}" if given else "")


def visit_of(board: Board, request: Request) -> Visit:
    """The visit this request begins."""
    root: str = request.scope.get("root_path", "")
    path = request.url.path.removeprefix(root)
    theme = THEMES.get(request.cookies.get(THEME_COOKIE, ""))
    return Visit(board, request.scope[VIEWER], root, path, dict(request.query_params), theme)


@contextmanager
def frame(visit: Visit, title: str) -> Iterator[None]:
    """The page's header and its main part, in which the block stands."""
    ui.page_title(f"{title} · pgqueue")
    ui.dark_mode(value=visit.theme)
    with ui.header(wrap=False, add_scroll_padding=True).classes("top"):
        link("pgqueue", visit.href("/")).classes("brand")
        navigation(visit)
        icon_button("contrast", "Turn between light and dark").on("click", js_handler=TURN_THEME)
        if visit.viewer.session is not None:
            icon_button("logout", "Log out").on("click", js_handler=LEAVE)
    trouble_banner(visit)
    with ui.element("div").classes("main") as main:  # it stands in the library's own main
        heading(title, level=1)
        yield
    ui.skip_link("Skip to content", target=main)


def navigation(visit: Visit) -> None:
    """The links between pages."""
    with ui.element("nav").props('aria-label="Pages"'):
        for name, path in PAGES:
            shown = link(name, visit.href(path))
            if visit.path.rstrip("/") == path.rstrip("/"):
                shown.props('aria-current="page"')


def trouble_banner(visit: Visit) -> None:
    """Says when what is shown is old."""
    banner = text("", "p").classes("trouble").props('role="status"')

    def refresh() -> None:
        banner.text = visit.board.watcher.trouble or ""

    live(visit, refresh)


def live(visit: Visit, refresh: Callable[[], None]) -> None:
    """Call this now, and after every look as long as the page is there and its viewer may look."""
    client = context.client

    def update() -> None:
        with client:
            if visit.viewer.may_look:
                refresh()
            else:
                ui.navigate.reload()  # the door leads to the login, and from there back here

    client.on_delete(visit.board.watcher.listen(update))
    refresh()


def text(words: str, tag: str = "span") -> TextElement:
    """An element that holds these words, and never reads them as HTML."""
    return TextElement(text=words, tag=tag)


def heading(words: str, *, level: int = 2) -> TextElement:
    """A heading."""
    return text(words, f"h{level}")


def link(words: str, href: str) -> TextElement:
    """A link to a page of ours."""
    made = text(words, "a")
    made.props["href"] = href
    return made


def ago(moment: datetime | None) -> ui.element:
    """How long ago that was; the browser counts on."""
    made = ui.element("time")
    if moment is not None:
        made.props["datetime"] = moment.isoformat()
    return made


def icon_button(icon: str, label: str) -> ui.button:
    """A button that shows an icon, and has a name for those who do not see it."""
    made = ui.button(icon=icon, color=None).props("flat round dense").classes("icon-button")
    made.props["aria-label"] = label
    made.tooltip(label)
    return made


def state_badge(state: str) -> TextElement:
    """A state, in its colour and in words."""
    return text(state).classes(f"state state-{state}")


def facts(pairs: list[tuple[str, Any]]) -> None:
    """Names and values, some of them made by a function."""
    with ui.element("dl").classes("facts"):
        for name, value in pairs:
            with ui.element("div"):
                text(name, "dt")
                with ui.element("dd"):
                    value() if callable(value) else text(str(value))
