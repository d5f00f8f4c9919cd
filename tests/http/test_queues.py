"""Tests of queues, workers and stats over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import psycopg

from pgqueue import AsyncClient, Job


async def test_a_queue_tells_what_it_holds(api: httpx.AsyncClient, client: AsyncClient) -> None:
    await client.enqueue(Job(task="t", payload="{}", queue="mail", priority=3))
    await client.enqueue(Job(task="t", payload="{}", queue="mail", delay=timedelta(hours=1)))

    (queue,) = (await api.get("/v1/queues")).json()

    assert (queue["queue"], queue["waiting"], queue["scheduled"]) == ("mail", 1, 1)
    assert queue["by_priority"][3] == 1
    assert isinstance(queue["oldest_age"], float)
    assert queue["estimated"] == []


async def test_a_queue_is_paused_and_resumed_whatever_its_name(
    api: httpx.AsyncClient, client: AsyncClient
) -> None:
    name = "mail/eu ü"
    await client.enqueue(Job(task="t", payload="{}", queue=name))

    assert (await api.post("/v1/queues/pause", json={"queue": name})).status_code == 204
    assert len(await client.claim(name)) == 0
    assert (await api.post("/v1/queues/resume", json={"queue": name})).status_code == 204
    assert len(await client.claim(name)) == 1


async def test_workers_are_listed(api: httpx.AsyncClient, connection: psycopg.Connection[Any]) -> None:
    connection.execute("select pgqueue.join_workers(7, '{mail}', 'here', 1, '0', 4)")

    (worker,) = (await api.get("/v1/workers")).json()

    assert (worker["id"], worker["is_alive"], worker["concurrency"], worker["busy"]) == ("7", True, 4, 0)


async def test_a_worker_is_paused_and_resumed(
    api: httpx.AsyncClient, client: AsyncClient, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("select pgqueue.join_workers(7, '{mail}', 'here', 1, '0', 4)")

    assert (await api.post("/v1/workers/pause", json={"worker": "7"})).status_code == 204
    (worker,) = (await api.get("/v1/workers")).json()
    assert worker["paused_at"] is not None
    assert (await api.post("/v1/workers/resume", json={"worker": "7"})).status_code == 204
    assert (await api.post("/v1/workers/resume", json={"worker": "8"})).status_code == 404


async def test_stats_tell_the_tables_and_no_queries(api: httpx.AsyncClient, dsn: str) -> None:
    with psycopg.connect(dsn) as other:
        other.execute("create table secret_sesame (a int)")

        answer = await api.get("/v1/stats")

    assert {relation["relation"] for relation in answer.json()["relations"]} >= {"jobs", "ready"}
    assert [holder["kind"] for holder in answer.json()["horizon"]] == ["transaction"]
    assert "secret_sesame" not in answer.text


async def test_stats_tell_how_many_jobs_a_row_tells_of(api: httpx.AsyncClient, client: AsyncClient) -> None:
    await client.enqueue_many(Job(task="t", payload="{}") for _ in range(3))

    relations = (await api.get("/v1/stats")).json()["relations"]

    assert {part["density"] for part in relations if part["relation"] == "jobs"} == {3.0}
    assert {part["density"] for part in relations if part["relation"] == "claims"} == {1.0}


async def test_activity_tells_how_attempts_ended(api: httpx.AsyncClient, client: AsyncClient) -> None:
    await client.enqueue(Job(task="t", payload="{}"))
    for delivery in await client.claim("default"):
        await client.finish(delivery)

    found = (await api.get("/v1/activity")).json()

    assert (found["total"]["succeeded"], found["total"]["success_rate"]) == (1, 1.0)
    assert found["since"] < found["moment"]
