"""Tests of how errors are told: with a status that fits, and nothing that only the log may hold."""

from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from pgqueue import LeaseLost, NoConnection, SchemaMismatch
from tests.http.conftest import caller

PATH = "/v1/jobs/1"


@pytest.fixture
def failing(unasked: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Answers a request during which the client raises this."""

    async def ask(error: Exception) -> httpx.Response:
        async def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(unasked.state.service.client, "get", fail)
        async with caller(unasked) as api:
            return await api.get(PATH)

    return ask


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (LeaseLost("gone"), 409, "lease-lost"),
        (NoConnection("at sesame.internal"), 503, "no-connection"),
        (SchemaMismatch("sesame"), 500, "schema-mismatch"),
        (psycopg.OperationalError("sesame"), 503, "database-trouble"),
        (psycopg.errors.SerializationFailure("sesame"), 503, "database-trouble"),
        (psycopg.errors.QueryCanceled("sesame"), 503, "database-trouble"),
        (psycopg.errors.InsufficientPrivilege("sesame"), 500, "database-trouble"),
        (RuntimeError("sesame"), 500, "internal-server-error"),
    ],
)
async def test_an_error_has_a_status_and_a_kind(
    failing: Callable[..., Any], error: Exception, status: int, kind: str
) -> None:
    answer = await failing(error)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:pgqueue:problem:{kind}"
    assert answer.json()["status"] == status
    assert ("retry-after" in answer.headers) is (status == 503)
    assert "sesame" not in answer.text


async def test_the_log_tells_what_the_answer_does_not(
    failing: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    await failing(NoConnection("no connection could be made: refused"))

    assert "NoConnection: no connection could be made: refused" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("PUT", "/v1/jobs/1", 405), ("GET", "/v1/jobs/", 404)],
)
async def test_what_is_not_there_is_a_problem_too(
    unasked: FastAPI, method: str, path: str, status: int
) -> None:
    async with caller(unasked) as api:
        answer = await api.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_long_value_is_cut(unasked: FastAPI) -> None:
    async with caller(unasked) as api:
        answers = [
            await api.post("/v1/jobs", json={"task": "t" * 100_000}),
            await api.post("/v1/jobs", json={"task": "t", "x" * 100_000: 1}),
        ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert max(len(answer.content) for answer in answers) < 2000


async def test_what_is_logged_keeps_to_its_line(
    failing: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    await failing(psycopg.errors.InternalError("sesame\nERROR forged"))

    assert "DatabaseTrouble: sesame ERROR forged" in caplog.text


async def test_what_a_request_said_is_not_repeated(unasked: FastAPI) -> None:
    async with caller(unasked) as api:
        answer = await api.post("/v1/jobs", json={"task": 7, "payload": "sesame"})

    assert answer.status_code == 422
    assert [fault["place"] for fault in answer.json()["errors"]] == ["body.task", "body.payload"]
    assert "sesame" not in answer.text
