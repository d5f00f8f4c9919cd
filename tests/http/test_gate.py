"""Tests of what passes before a request is read: how long its body is, and what an answer always says."""

from collections.abc import AsyncIterator

import httpx
import pytest

from pgqueue.http import close, create_app
from tests.http.conftest import NOWHERE, caller

LIMIT = 1000


@pytest.fixture
async def narrow() -> AsyncIterator[httpx.AsyncClient]:
    """Its database is not there."""
    app = create_app(NOWHERE, body_limit_bytes=LIMIT)
    async with caller(app) as api:
        yield api
    await close(app)


async def pieces(size: int, count: int) -> AsyncIterator[bytes]:
    """A body whose length nobody is told before."""
    for _ in range(count):
        yield b" " * size


async def test_a_body_that_says_it_is_too_long_is_not_read(narrow: httpx.AsyncClient) -> None:
    answer = await narrow.post("/v1/jobs", content=b" " * (LIMIT + 1))

    assert answer.status_code == 413
    assert answer.json()["detail"] == "a request's body has at most 1000 bytes"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_turns_out_too_long_is_read_no_further(narrow: httpx.AsyncClient) -> None:
    answer = await narrow.post(
        "/v1/jobs", content=pieces(400, 100), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_length_that_lies_does_not_help(narrow: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "10"}

    answer = await narrow.post("/v1/jobs", content=pieces(400, 3), headers=headers)

    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "ten", "\u00b2", "9" * 5000])
async def test_a_length_that_is_none_breaks_nothing(narrow: httpx.AsyncClient, length: str) -> None:
    headers = [(b"content-length", length.encode("latin-1")), (b"content-type", b"application/json")]
    answer = await narrow.post("/v1/jobs", content=b"[]", headers=headers)

    assert answer.status_code in {413, 422}


async def test_a_body_at_the_limit_is_taken(narrow: httpx.AsyncClient) -> None:
    body = b"[]".ljust(LIMIT)

    answer = await narrow.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/health/live", "/v1/nothing", "/v1/jobs/x"])
async def test_answers_are_kept_by_nobody(narrow: httpx.AsyncClient, path: str) -> None:
    answer = await narrow.get(path)

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_nothing_of_a_request_gets_into_the_answers_headers(api: httpx.AsyncClient) -> None:
    evil = "x\r\nSet-Cookie: a=b"

    answers = [
        await api.post("/v1/jobs", json={"task": evil, "queue": evil, "headers": {evil: evil}}),
        await api.get("/v1/dead", params={"queue": evil, "cursor": evil}),
        await api.get("/v1/queues%0d%0aSet-Cookie:%20a=b"),
        await api.get("/v1/queues/", headers={"Host": "localhost"}),
    ]

    for answer in answers:
        assert "set-cookie" not in answer.headers
        assert not any("\n" in value or "\r" in value for value in answer.headers.values())
        assert "location" not in answer.headers or answer.headers["location"].startswith("/v1/jobs/")
