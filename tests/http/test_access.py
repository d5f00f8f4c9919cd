"""Tests of who may do what: nobody but this machine without tokens, and with them what their roles allow."""

import logging
from collections.abc import Callable, Collection

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from pgqueue.http import InvalidTokens, Refused, Role, Token, create_app, new_token, read_tokens
from pgqueue.http.access import is_loopback
from tests.http.conftest import NOWHERE, caller

READ, ENQUEUE, ADMIN = "read", "enqueue", "admin"
STRANGER = ("192.0.2.7", 50_000)
ROUTES = {
    ("GET", "/v1/jobs/1"): READ,
    ("GET", "/v1/jobs"): READ,
    ("GET", "/v1/dead"): READ,
    ("GET", "/v1/queues"): READ,
    ("GET", "/v1/workers"): READ,
    ("GET", "/v1/stats"): READ,
    ("GET", "/v1/activity"): READ,
    ("POST", "/v1/jobs"): ENQUEUE,
    ("POST", "/v1/jobs/many"): ENQUEUE,
    ("POST", "/v1/jobs/1/cancel"): ADMIN,
    ("POST", "/v1/jobs/run-now"): ADMIN,
    ("POST", "/v1/jobs/reprioritise"): ADMIN,
    ("POST", "/v1/dead/retry"): ADMIN,
    ("POST", "/v1/dead/purge"): ADMIN,
    ("POST", "/v1/dead/retry-all"): ADMIN,
    ("POST", "/v1/dead/purge-all"): ADMIN,
    ("POST", "/v1/workers/pause"): ADMIN,
    ("POST", "/v1/workers/resume"): ADMIN,
    ("POST", "/v1/queues/pause"): ADMIN,
    ("POST", "/v1/queues/resume"): ADMIN,
}
OPEN = ["/health/live", "/health/ready", "/openapi.json"]
BODIES = {
    "/v1/jobs": {"task": "t"},
    "/v1/jobs/many": {"jobs": [{"task": "t"}]},
    "/v1/jobs/1/cancel": {},
    "/v1/jobs/reprioritise": {"ids": ["1"], "priority": 1},
    "/v1/dead/retry-all": {},
    "/v1/dead/purge-all": {},
    "/v1/workers/pause": {"worker": "1"},
    "/v1/workers/resume": {"worker": "1"},
    "/v1/queues/pause": {"queue": "q"},
    "/v1/queues/resume": {"queue": "q"},
}


@pytest.fixture
def issued() -> dict[str, tuple[str, Token]]:
    """A token of each role, as (text, token)."""
    roles: tuple[Role, ...] = ("read", "enqueue", "admin")
    return {role: new_token(role, [role]) for role in roles}


@pytest.fixture
def guarded(make_app: Callable[..., FastAPI], issued: dict[str, tuple[str, Token]]) -> FastAPI:
    return make_app(tokens=[token for _, token in issued.values()])


@pytest.fixture
def closed(issued: dict[str, tuple[str, Token]]) -> FastAPI:
    """Takes tokens as `guarded` does; its database is not there."""
    return create_app(NOWHERE, tokens=[token for _, token in issued.values()])


async def send(api: httpx.AsyncClient, method: str, path: str, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    body = BODIES.get(path, {"ids": ["1"]}) if method == "POST" else None
    return await api.request(method, path, json=body, headers=headers)


def test_every_route_is_held_to_a_role(closed: FastAPI) -> None:
    described = closed.openapi()["paths"]
    routes = {(method.upper(), path) for path, methods in described.items() for method in methods}

    assert {(method, path.replace("{job_id}", "1")) for method, path in routes} == {
        *ROUTES,
        *(("GET", path) for path in OPEN if path != "/openapi.json"),
        ("GET", "/v1/events"),  # which has no end: see test_events.py
    }


@pytest.mark.parametrize("held", [READ, ENQUEUE, ADMIN])
async def test_a_token_does_what_its_role_allows(
    guarded: FastAPI, issued: dict[str, tuple[str, Token]], held: str
) -> None:
    async with caller(guarded, peer=STRANGER, base_url="https://jobs.example") as api:
        for (method, path), role in ROUTES.items():
            answer = await send(api, method, path, issued[held][0])

            allowed = held in {role, ADMIN}
            assert (answer.status_code == 403) is not allowed, (method, path, answer.text)
            assert answer.status_code < 500


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer \xe9", "bearer wrong\twrong"],
)
async def test_without_a_known_token_nothing_is_done(closed: FastAPI, authorization: str | None) -> None:
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    async with caller(closed) as api:
        for method, path in [*ROUTES, ("GET", "/v1/nothing"), ("GET", "/")]:
            answer = await api.request(method, path, headers=headers)

            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_list_without_tokens_lets_nobody_in() -> None:
    async with caller(create_app(NOWHERE, tokens=[])) as api:
        assert (await api.get("/v1/jobs/x")).status_code == 401


async def test_a_digest_is_no_token(closed: FastAPI, issued: dict[str, tuple[str, Token]]) -> None:
    async with caller(closed) as api:
        answer = await send(api, "GET", "/v1/queues", issued[ADMIN][1].digest)

    assert answer.status_code == 401


async def test_a_body_is_not_read_of_somebody_unknown(closed: FastAPI) -> None:
    async def forbidden() -> dict[str, object]:
        raise AssertionError("the body was asked for")

    sent: list[dict[str, object]] = []

    async def keep(message: dict[str, object]) -> None:
        sent.append(message)

    scope: dict[str, object] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/jobs",
        "headers": [],
        "http_version": "1.1",
    }
    scope |= {"scheme": "http", "query_string": b"", "client": STRANGER, "server": ("h", 80), "root_path": ""}
    await closed(scope, forbidden, keep)  # type: ignore[arg-type]

    assert sent[0]["status"] == 401


@pytest.mark.parametrize("path", OPEN)
async def test_whether_it_is_healthy_anybody_may_ask(guarded: FastAPI, path: str) -> None:
    async with caller(guarded, peer=STRANGER) as api:
        assert (await api.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/queues", "//health/live", "/health/live/../../v1/queues"])
async def test_only_the_very_paths_are_open(closed: FastAPI, path: str) -> None:
    async with caller(closed, peer=STRANGER) as api:
        assert (await api.get(httpx.URL("http://h", raw_path=path.encode()))).status_code == 401


async def test_without_tokens_this_machine_may_do_everything(api: httpx.AsyncClient) -> None:
    for method, path in ROUTES:
        assert (await send(api, method, path)).status_code in {200, 201, 204, 404}, (method, path)


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "::ffff:192.0.2.7", "not an address", ""])
async def test_without_tokens_nobody_else_may_do_anything(unasked: FastAPI, peer: str) -> None:
    async with caller(unasked, peer=(peer, 1)) as api:
        for method, path in ROUTES:
            assert (await send(api, method, path)).status_code == 401


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("Host", "jobs.example"),
        ("Host", "localhost.evil.example"),
        ("Host", ""),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:3000"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ],
)
async def test_a_proxy_or_a_web_page_does_not_pass_for_this_machine(
    unasked: FastAPI, header: str, value: str
) -> None:
    async with caller(unasked) as api:
        assert (await api.get("/v1/jobs/x")).status_code == 422
        answer = await api.get("/v1/jobs/x", headers={header: value})

    assert answer.status_code == 401


async def test_nginx_as_it_comes_does_not_pass_for_this_machine(unasked: FastAPI) -> None:
    async def over_http_1_0(scope: dict[str, object], receive: object, send: object) -> None:
        await unasked(scope | {"http_version": "1.0"}, receive, send)  # type: ignore[arg-type]

    async with caller(over_http_1_0) as api:
        assert (await api.get("/v1/queues")).status_code == 401


async def test_a_unix_socket_is_no_loopback_peer(unasked: FastAPI) -> None:
    async def over_a_socket(scope: dict[str, object], receive: object, send: object) -> None:
        await unasked(scope | {"client": None}, receive, send)  # type: ignore[arg-type]

    async with caller(over_a_socket) as api:
        assert (await api.get("/v1/queues")).status_code == 401


@pytest.mark.parametrize("base_url", ["http://localhost:8000", "http://[::1]:8000", "http://127.0.0.1"])
async def test_this_machine_has_several_names(unasked: FastAPI, base_url: str) -> None:
    async with caller(unasked, base_url=base_url) as api:
        assert (await api.get("/v1/jobs/x", headers={"Origin": base_url})).status_code == 422


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_what_loops_back(address: str) -> None:
    assert is_loopback(address)


async def test_an_application_may_tell_roles_its_own_way(make_app: Callable[..., FastAPI]) -> None:
    async def by_cookie(connection: HTTPConnection) -> Collection[Role]:
        if connection.cookies.get("session") != "known":
            raise Refused("log in first")
        return {"read"}

    async with caller(make_app(authenticate=by_cookie), peer=STRANGER) as api:
        assert (await api.get("/v1/queues")).json()["detail"] == "log in first"
        api.cookies.set("session", "known")
        assert (await api.get("/v1/queues")).status_code == 200
        assert (await api.post("/v1/jobs", json={"task": "t"})).status_code == 403


async def test_no_token_is_written_to_the_log(
    guarded: FastAPI, issued: dict[str, tuple[str, Token]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [text for text, _ in issued.values()] + ["wrong-but-secret"]
    async with caller(guarded) as api:
        answers = [await send(api, method, path, text) for method, path in ROUTES for text in texts]

    told = caplog.text + "".join(answer.text for answer in answers) + repr(issued[ADMIN][1])
    assert not any(text in told for text in texts)
    assert issued[ADMIN][1].digest not in told


def test_a_list_of_tokens_is_read_as_it_is_written(issued: dict[str, tuple[str, Token]]) -> None:
    _, both = new_token("ci", ["enqueue", "read"])
    text = f"# who may ask\n\n{both.line} # the build\n{issued[ADMIN][1].line}\n"

    assert read_tokens(text) == (both, issued[ADMIN][1])
    assert both.line.startswith("ci read,enqueue ")


@pytest.mark.parametrize(
    "line",
    [
        "sesame",
        "ci root " + "0" * 64,
        "ci read,read " + "0" * 64,
        "ci read " + "0" * 63,
        "ci read " + "g" * 64,
    ],
)
def test_a_line_that_is_no_token_is_named_but_not_shown(line: str) -> None:
    with pytest.raises(InvalidTokens, match="line 2") as refused:
        read_tokens(f"# tokens\n{line}")

    assert not any(word in str(refused.value) for word in line.split() if word not in {"ci", "read"})


def test_two_tokens_of_one_name_are_refused(issued: dict[str, tuple[str, Token]]) -> None:
    with pytest.raises(InvalidTokens, match="same name"):
        read_tokens("\n".join([issued[READ][1].line] * 2))
