"""Tests of jobs in lists over HTTP, and of what is done to many of them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pgqueue import AsyncClient, Job
from tests.http.conftest import caller

LATER = timedelta(hours=1)


async def every(api: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """All jobs of a list, two a page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.get("/v1/jobs", params={"limit": 2} | query | cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_jobs_are_listed_newest_first_page_by_page(api: httpx.AsyncClient, client: AsyncClient) -> None:
    ids = [str(await client.enqueue(Job(task="t", payload="{}"))) for _ in range(5)]

    found = await every(api)

    assert [job["id"] for job in found] == ids[::-1]
    assert {job["state"] for job in found} == {"waiting"}


async def test_waiting_jobs_are_listed_as_they_will_be_claimed(
    api: httpx.AsyncClient, client: AsyncClient
) -> None:
    queue = "mail / ü"
    jobs = [Job(task="t", payload="{}", queue=queue, priority=priority) for priority in (7, 1, 4, 1)]
    seventh, first, fourth, second = map(str, await client.enqueue_many(jobs))
    await client.enqueue(Job(task="t", payload="{}", queue=queue, delay=LATER))
    await client.enqueue(Job(task="t", payload="{}", queue="other"))

    found = await every(api, state="waiting", queue=queue)

    assert [job["id"] for job in found] == [first, second, fourth, seventh]


async def test_filters_leave_out_the_others(api: httpx.AsyncClient, client: AsyncClient) -> None:
    await client.enqueue(Job(task="other", payload="{}"))
    wanted = await client.enqueue(Job(task="wanted", payload="{}"))

    assert [job["id"] for job in await every(api, task="wanted")] == [str(wanted)]
    assert await every(api, state="dead") == []
    assert await every(api, enqueued_since="2100-01-01T00:00:00Z") == []


@pytest.mark.parametrize("cursor", ["AA", "!", "\xe9", "____", "A" * 501])
async def test_a_cursor_that_is_none_is_told(unasked: FastAPI, cursor: str) -> None:
    async with caller(unasked) as api:
        answer = await api.get("/v1/jobs", params={"cursor": cursor})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"] == "query.cursor"


@pytest.mark.parametrize("state", ["dead", "waiting", None])
async def test_a_cursor_of_another_list_is_told(api: httpx.AsyncClient, state: str | None) -> None:
    query = {"cursor": "bm93aGVyZQ"} | ({"state": state} if state else {})

    answer = await api.get("/v1/jobs", params=query)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:pgqueue:problem:invalid-job")


async def test_scheduled_jobs_are_hurried(api: httpx.AsyncClient, client: AsyncClient) -> None:
    later = str(await client.enqueue(Job(task="t", payload="{}", delay=LATER)))
    now = str(await client.enqueue(Job(task="t", payload="{}")))

    answer = await api.post("/v1/jobs/run-now", json={"ids": [later, now, "1"]})

    assert answer.json() == {"ids": [later]}
    assert len(await client.claim("default", limit=2)) == 2


@pytest.mark.parametrize("priority", [False, "1", 1.5, 10, None])
async def test_a_priority_is_a_number(unasked: FastAPI, priority: object) -> None:
    async with caller(unasked) as api:
        answer = await api.post("/v1/jobs/reprioritise", json={"ids": ["1"], "priority": priority})

    assert answer.status_code == 422


async def test_waiting_jobs_get_another_priority(api: httpx.AsyncClient, client: AsyncClient) -> None:
    job_id = str(await client.enqueue(Job(task="t", payload="{}")))

    answer = await api.post("/v1/jobs/reprioritise", json={"ids": [job_id, "9" * 19], "priority": 0})

    assert answer.json() == {"ids": [job_id]}
    assert (await api.get(f"/v1/jobs/{job_id}")).json()["priority"] == 0
