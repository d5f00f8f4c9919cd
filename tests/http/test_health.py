"""Tests of health: readiness asks the database, once for many; liveness does not."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from pgqueue.http import stop
from tests.http.conftest import caller


async def test_it_is_ready_where_the_schema_fits(api: httpx.AsyncClient) -> None:
    assert (await api.get("/health/ready")).json() == {"status": "ready"}


async def test_it_is_not_ready_without_a_schema(make_app: Callable[..., FastAPI], bare_dsn: str) -> None:
    async with caller(make_app(bare_dsn)) as api:
        assert (await api.get("/health/ready")).status_code == 503


async def test_it_is_not_ready_for_another_schema(
    make_app: Callable[..., FastAPI], connection: psycopg.Connection[Any]
) -> None:
    connection.execute("update pgqueue.alembic_version set version_num = '0000'")
    async with caller(make_app()) as api:
        assert (await api.get("/health/ready")).status_code == 503


async def test_without_a_database_it_lives_and_is_not_ready(
    unasked: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgqueue.http.service.CHECK_SECONDS", 0.1)
    async with caller(unasked) as api:
        assert (await api.get("/health/live")).status_code == 200
        answer = await api.get("/health/ready")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "127.0.0.1" not in answer.text


async def test_it_is_not_ready_once_it_stops(unasked: FastAPI) -> None:
    stop(unasked)
    async with caller(unasked) as api:
        assert (await api.get("/health/ready")).status_code == 503
        assert (await api.get("/health/live")).status_code == 200


async def test_many_probes_ask_once(unasked: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def counted() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)

    monkeypatch.setattr(unasked.state.service.client, "check_schema", counted)
    async with caller(unasked) as api:
        answers = await asyncio.gather(*(api.get("/health/ready") for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert asked == 1
