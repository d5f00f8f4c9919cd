"""Tests that nobody gets in who may not, by page or by socket."""

from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from pgqueue.dashboard.board import Viewer
from pgqueue.dashboard.door import COOKIE, VIEWER, Door
from pgqueue.dashboard.sessions import Sessions
from pgqueue.http import new_token
from pgqueue.http.access import by_place, by_token
from tests.http.conftest import caller

PAGE = {"Accept": "text/html"}
READER, READERS_TOKEN = new_token("reader", ["read"])
ADMIN, ADMINS_TOKEN = new_token("admin", ["admin"])
WRITER, WRITERS_TOKEN = new_token("writer", ["enqueue"])
TOKENS = (READERS_TOKEN, ADMINS_TOKEN, WRITERS_TOKEN)


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """What is behind the door: says whether the viewer may act."""
    body = b"acts" if VIEWER in scope and scope[VIEWER].may_act else b"looks"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def door(*, tokens: bool = False, sessions: Sessions | None = None, made_for: Viewer | None = None) -> Door:
    """A door; every page behind it was made for this one, if for anybody."""
    known = Sessions(by_token(TOKENS)) if tokens else sessions
    return Door(inside, authenticate=by_place, sessions=known, made_for=lambda _: made_for)


async def log_in(viewer: httpx.AsyncClient, token: str, wanted: str = "") -> httpx.Response:
    return await viewer.post("/dashboard/login", params={"next": wanted}, data={"token": token})


async def test_a_program_of_this_machine_needs_no_token() -> None:
    async with caller(door(tokens=False)) as viewer:
        answer = await viewer.get("/dashboard/")

    assert (answer.status_code, answer.text) == (200, "acts")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_others_are_refused() -> None:
    async with caller(door(tokens=False), peer=("192.0.2.1", 4000)) as viewer:
        answer = await viewer.get("/dashboard/")

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/job/1"])
async def test_without_a_session_a_page_leads_to_the_login(path: str) -> None:
    async with caller(door(tokens=True)) as viewer:
        page = await viewer.get(path, headers=PAGE)
        script = await viewer.get("/dashboard/_nicegui/x.js")

    assert (page.status_code, page.headers["location"]) == (303, f"/dashboard/login?next={path}")
    assert script.status_code == 401


@pytest.mark.parametrize(("token", "body"), [(READER, "looks"), (ADMIN, "acts")], ids=["read", "admin"])
async def test_a_token_opens_a_session_with_its_roles(token: str, body: str) -> None:
    async with caller(door(tokens=True)) as viewer:
        answer = await log_in(viewer, token, "/dashboard/jobs")
        page = await viewer.get("/dashboard/jobs", headers=PAGE)

    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/jobs")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert token not in cookie
    assert page.text == body


@pytest.mark.parametrize(
    "token", ["", "pgqueue_wrong", WRITER, "x" * 100_000], ids=["none", "unknown", "enqueue", "long"]
)
async def test_other_tokens_open_none(token: str) -> None:
    async with caller(door(tokens=True)) as viewer:
        answer = await log_in(viewer, token)
        page = await viewer.get("/dashboard/", headers=PAGE)

    assert (answer.status_code, page.status_code) == (401, 303)
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/dashboard/../v1", "/\\evil"])
async def test_a_login_leads_nowhere_else(wanted: str) -> None:
    async with caller(door(tokens=True)) as viewer:
        answer = await log_in(viewer, ADMIN, wanted)

    assert answer.headers["location"].startswith("/dashboard/")


async def test_what_the_login_is_told_is_text() -> None:
    async with caller(door(tokens=True)) as viewer:
        answer = await viewer.get("/dashboard/login", params={"next": '/dashboard/"><script>'})

    assert "<script>" not in answer.text


async def test_after_logging_out_the_session_is_over() -> None:
    async with caller(door(tokens=True)) as viewer:
        await log_in(viewer, ADMIN)
        session = viewer.cookies[COOKIE]
        await viewer.post("/dashboard/logout")
        viewer.cookies.set(COOKIE, session)
        page = await viewer.get("/dashboard/", headers=PAGE)

    assert page.status_code == 303


@pytest.mark.parametrize("path", ["/dashboard/login", "/dashboard/logout"])
async def test_no_page_from_elsewhere_logs_in_or_out(path: str) -> None:
    async with caller(door(tokens=True)) as viewer:
        await log_in(viewer, READER)
        answer = await viewer.post(path, data={"token": ADMIN}, headers={"Sec-Fetch-Site": "cross-site"})
        page = await viewer.get("/dashboard/", headers=PAGE)

    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert page.text == "looks"


async def test_a_link_logs_nobody_out() -> None:
    async with caller(door(tokens=True)) as viewer:
        await log_in(viewer, READER)
        answer = await viewer.get("/dashboard/logout")
        page = await viewer.get("/dashboard/", headers=PAGE)

    assert (answer.headers["location"], page.text) == ("/dashboard/", "looks")


async def test_who_logs_out_may_do_nothing_on_the_pages_still_open() -> None:
    sessions = Sessions(by_token(TOKENS))
    left, stayed = [await sessions.begin(ADMIN) for _ in range(2)]
    pages = [sessions.find(session) for session in (left, stayed)]

    sessions.end(left)

    assert [(page.may_look, page.may_act) for page in pages if page] == [(False, False), (True, True)]


async def test_what_is_not_below_it_passes() -> None:
    async with caller(door(tokens=True), peer=("192.0.2.1", 4000)) as viewer:
        answers = [await viewer.get(path) for path in ("/v1/jobs", "/dashboards")]

    assert [answer.status_code for answer in answers] == [200, 200]


def socket_scope(**headers: str) -> dict[str, Any]:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "websocket",
        "path": "/dashboard/_nicegui_ws/socket.io/",
        "query_string": b"client_id=7",
        "scheme": "ws",
        "http_version": "1.1",
        "client": ("127.0.0.1", 4000),
        "headers": [(b"host", b"localhost:8000"), *encoded],
    }


async def knock(asked: Door, scope: dict[str, Any]) -> list[Message]:
    """What the door answers a socket."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await asked(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("origin", "is_let_in"), [("http://localhost:8000", True), ("https://evil.example", False)]
)
async def test_a_socket_is_opened_by_our_own_pages_alone(origin: str, *, is_let_in: bool) -> None:
    sent = await knock(door(tokens=False), socket_scope(origin=origin))

    assert (sent[0]["type"] != "websocket.close") == is_let_in


async def test_a_socket_takes_the_session_too() -> None:
    sent = await knock(door(tokens=True), socket_scope(origin="http://localhost:8000"))

    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_a_socket_is_for_a_page_of_its_own_session() -> None:
    sessions = Sessions(by_token(TOKENS))
    mine, others = [await sessions.begin(ADMIN) for _ in range(2)]
    scope = socket_scope(origin="http://localhost:8000", cookie=f"{COOKIE}={mine}")

    answers = [
        await knock(door(sessions=sessions, made_for=made_for), {**scope, "query_string": query})
        for made_for, query in (
            (sessions.find(mine), b"client_id=7"),
            (None, b"client_id=7"),
            (sessions.find(others), b"client_id=7"),
            (sessions.find(mine), b""),
        )
    ]

    assert [sent[0]["type"] == "websocket.close" for sent in answers] == [False, False, True, True]
