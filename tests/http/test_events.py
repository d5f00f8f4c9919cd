"""Tests of events over a real connection: what ends is told, and streams end when they should."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from pgqueue import AsyncClient, Job
from pgqueue.http import create_app, events, new_token
from pgqueue.http import feed as feeds
from tests.http.conftest import NOWHERE, caller
from tests.http.test_serving import served
from tests.waiting import until


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "POLL_SECONDS", 0.01)


async def end_one(client: AsyncClient) -> int:
    job_id = await client.enqueue(Job(task="tasks.send", payload="{}", queue="mail"))
    for delivery in await client.claim("mail"):
        await client.bury(delivery, ValueError("sesame"))
    return job_id


async def event_of(lines: AsyncIterator[str]) -> dict[str, Any]:
    """The next event's fields; comments are passed over."""
    fields: dict[str, Any] = {}
    async for line in lines:
        if not line and fields:
            return fields
        name, _, value = line.partition(": ")
        if name:
            fields[name] = json.loads(value) if name == "data" else value
    return fields


async def test_an_end_is_told_with_its_job(client: AsyncClient) -> None:
    async with served(create_app(client)) as (_, api), api.stream("GET", "/v1/events") as stream:
        lines = stream.aiter_lines()
        job_id = await end_one(client)

        told = await event_of(lines)

        assert stream.headers["content-type"].startswith("text/event-stream")
        assert told["event"] == "end"
        assert (told["data"]["job_id"], told["data"]["queue"]) == (str(job_id), "mail")
        assert (told["data"]["state"], told["data"]["error_type"]) == ("dead", "ValueError")


async def test_who_comes_back_is_told_what_it_missed(client: AsyncClient) -> None:
    async with served(create_app(client)) as (_, api):
        async with api.stream("GET", "/v1/events") as stream:
            await end_one(client)
            first = await event_of(stream.aiter_lines())
        second = await end_one(client)
        async with api.stream("GET", "/v1/events", headers={"Last-Event-ID": first["id"]}) as stream:
            told = await event_of(stream.aiter_lines())

    assert told["data"]["job_id"] == str(second)


async def test_a_viewer_who_goes_away_is_forgotten(client: AsyncClient) -> None:
    app = create_app(client)
    async with served(app) as (_, api):
        async with api.stream("GET", "/v1/events"):
            await until(lambda: app.state.service.feed.viewers == 1)

        await until(lambda: app.state.service.feed.viewers == 0)


async def test_told_to_stop_it_ends_the_streams(client: AsyncClient) -> None:
    app = create_app(client)
    async with served(app) as (server, api), api.stream("GET", "/v1/events") as stream:
        await until(lambda: app.state.service.feed.viewers == 1)

        server.handle_exit(signal.SIGTERM, None)

        assert await event_of(stream.aiter_lines()) == {}


async def test_one_viewer_too_many_is_refused(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_VIEWERS", 1)
    app = create_app(client)
    async with served(app) as (_, api), api.stream("GET", "/v1/events"):
        await until(lambda: app.state.service.feed.viewers == 1)

        answer = await api.get("/v1/events")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


async def test_viewing_takes_a_role() -> None:
    text, token = new_token("writer", ["enqueue"])
    async with caller(create_app(NOWHERE, tokens=[token])) as api:
        answer = await asyncio.wait_for(api.get("/v1/events", headers=bearing(text)), 20)

    assert answer.status_code == 403


def bearing(text: str) -> httpx.Headers:
    return httpx.Headers({"Authorization": f"Bearer {text}"})
