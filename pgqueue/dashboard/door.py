"""The door to the pages and to the sockets behind them. It must never let anything through unasked.

Everything served comes from here: the policy forbids the browser to load or to send anything elsewhere.
"""

from collections.abc import Callable
from html import escape
from importlib.resources import files
from typing import cast
from urllib.parse import parse_qs, quote

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pgqueue.dashboard.board import Viewer, viewer
from pgqueue.dashboard.sessions import LASTS_SECONDS, Sessions
from pgqueue.http.access import Authenticate, Refused

PREFIX = "/dashboard"
LOGIN = PREFIX + "/login"
LOGOUT = PREFIX + "/logout"
COOKIE = "pgqueue_session"
SOCKETS = PREFIX + "/_nicegui_ws"
VIEWER = "pgqueue.viewer"  # where in a request's scope the viewer stands
BODY_LIMIT_BYTES = 4096  # of a login
# Pages are put together by scripts in them, which compile templates: that takes both.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
MadeFor = Callable[[str], Viewer | None]
"""From a page's id to whom it was made for, if it is still there."""


class Door:
    """Middleware that lets viewers in below /dashboard, those with a session if there are any."""

    def __init__(
        self, app: ASGIApp, *, authenticate: Authenticate, sessions: Sessions | None, made_for: MadeFor
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._sessions = sessions
        self._made_for = made_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is meant for somebody else, and whom we know; send away the others."""
        path = path_of(scope)
        if path is None:
            await self._app(scope, receive, send)
            return
        sender = guarded(send)
        if self._sessions is not None and scope["type"] == "http" and path in {LOGIN, LOGOUT}:
            answer = await self._at_login(self._sessions, Request(scope, receive), path)
            await answer(scope, receive, sender)
            return
        try:
            scope[VIEWER] = await self._viewer(HTTPConnection(scope))
        except Refused as refused:
            await self._send_away(str(refused), scope, receive, sender)
        else:
            await self._app(scope, receive, sender)

    async def _viewer(self, connection: HTTPConnection) -> Viewer:
        if self._sessions is not None:
            found = self._sessions.find(connection.cookies.get(COOKIE, ""))
        else:
            found = viewer(await self._authenticate(as_http(connection)))
        if found is None or not found.may_look:
            raise Refused("this takes the role read, or admin")
        if (path_of(connection.scope) or "").startswith(SOCKETS):
            self._check_page(connection, found)
        return found

    def _check_page(self, connection: HTTPConnection, asking: Viewer) -> None:
        page = connection.query_params.get("client_id")
        # One that is gone passes: its socket is told so, and the browser asks for the page anew.
        if page is None or self._made_for(page) not in {None, asking}:
            raise Refused("this socket is for a page made for somebody else")

    async def _send_away(self, why: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        answer: Response = PlainTextResponse(why, status_code=401)
        if self._sessions is not None and is_page(HTTPConnection(scope)):
            wanted = quote(path_of(scope) or "")
            answer = RedirectResponse(f"{root_of(scope)}{LOGIN}?next={wanted}", status_code=303)
        await answer(scope, receive, send)

    async def _at_login(self, sessions: Sessions, request: Request, path: str) -> Response:
        root = root_of(request.scope)
        if request.method == "POST" and is_from_elsewhere(request):
            return PlainTextResponse("only pages of this dashboard log in and out", status_code=403)
        if path == LOGOUT:
            if request.method != "POST":
                return RedirectResponse(f"{root}{PREFIX}/", status_code=303)
            sessions.end(request.cookies.get(COOKIE, ""))
            answer: Response = RedirectResponse(root + LOGIN, status_code=303)
            answer.delete_cookie(COOKIE, path=f"{root}{PREFIX}")
            return answer
        wanted = inside(request.query_params.get("next", ""))
        if request.method != "POST":
            return login_page(wanted)
        try:
            session = await sessions.begin(await token_in(request))
        except Refused as refused:
            return login_page(wanted, trouble=str(refused))
        answer = RedirectResponse(root + wanted, status_code=303)
        # Lax, for a link from a chat must lead to a page; what changes anything goes over the socket.
        answer.set_cookie(
            COOKIE,
            session,
            max_age=int(LASTS_SECONDS),
            path=f"{root}{PREFIX}",
            secure=is_secure(request),
            httponly=True,
            samesite="lax",
        )
        return answer


def path_of(scope: Scope) -> str | None:
    """The path asked for, if it is one of ours; where we are mounted is no part of it."""
    if scope["type"] not in {"http", "websocket"}:
        return None
    path = cast("str", scope["path"]).removeprefix(root_of(scope))
    return path if path == PREFIX or path.startswith(PREFIX + "/") else None


def root_of(scope: Scope) -> str:
    """Where we are mounted."""
    return cast("str", scope.get("root_path", ""))


def as_http(connection: HTTPConnection) -> HTTPConnection:
    """The same connection: a page's socket comes from the page's origin, whose scheme is that of the page."""
    scheme = {"ws": "http", "wss": "https"}.get(connection.scope["scheme"], connection.scope["scheme"])
    return HTTPConnection({**connection.scope, "scheme": scheme})


def is_page(connection: HTTPConnection) -> bool:
    """Whether a person waits for a page."""
    return "text/html" in connection.headers.get("accept", "")


def is_from_elsewhere(request: Request) -> bool:
    """Whether the browser says that a page of another origin sends this."""
    return request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}


def is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, as far as anybody says; it is believed only to be stricter."""
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "")}


def inside(path: str) -> str:
    """A path of ours to go to after the login, whatever was asked for: never an address elsewhere."""
    return path if path.startswith(PREFIX + "/") and "\\" not in path else PREFIX + "/"


async def token_in(request: Request) -> str:
    """The token a login form holds. Raises Refused for a body that is none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT_BYTES:
            raise Refused("this is no token")
    return parse_qs(body.decode("latin-1")).get("token", [""])[0].strip()


def login_page(wanted: str, *, trouble: str = "") -> Response:
    """The form; `trouble` says why it is shown again."""
    page = files(__package__).joinpath("login.html").read_text()
    page = page.replace("ACTION", f"?next={quote(wanted)}").replace("TROUBLE", escape(trouble))
    return HTMLResponse(page, status_code=401 if trouble else 200, headers={"Cache-Control": "no-store"})


def guarded(send: Send) -> Send:
    """The same answer, with what keeps the browser to us."""

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return pass_on
