"""Tests of jobs over HTTP: enqueued, looked at, waited for, cancelled."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pgqueue import AsyncClient, Job
from pgqueue.http import create_app, stop
from pgqueue.http import service as services
from tests.http.conftest import caller
from tests.waiting import until


async def enqueued(api: httpx.AsyncClient, **fields: Any) -> str:
    answer = await api.post("/v1/jobs", json={"task": "tasks.send"} | fields)
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["id"]
    return job_id


async def test_a_job_is_enqueued_with_all_it_says(api: httpx.AsyncClient, client: AsyncClient) -> None:
    answer = await api.post(
        "/v1/jobs",
        json={"task": "tasks.send", "queue": "email", "payload": {"to": 7}, "priority": 2, "timeout": "90s"},
    )

    assert answer.status_code == 201
    job_id = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/jobs/{job_id}"
    record = await client.get(int(job_id))
    assert record is not None
    assert (record.task, record.queue, record.payload, record.priority) == (
        "tasks.send", "email", {"to": 7}, 2,
    )  # fmt: skip


async def test_a_jobs_ids_are_text(api: httpx.AsyncClient, client: AsyncClient) -> None:
    job_id = await enqueued(api)

    found = (await api.get(f"/v1/jobs/{job_id}")).json()

    assert found["id"] == job_id
    assert (found["state"], found["has_ended"], found["worker"]) == ("waiting", False, None)


async def test_many_jobs_are_enqueued_in_order(api: httpx.AsyncClient, client: AsyncClient) -> None:
    answer = await api.post("/v1/jobs/many", json={"jobs": [{"task": f"t{n}"} for n in range(3)]})

    assert answer.status_code == 201
    records = [await client.get(int(job_id)) for job_id in answer.json()["ids"]]
    assert [record.task for record in records if record] == ["t0", "t1", "t2"]


async def test_a_bad_one_among_many_is_named_and_none_is_enqueued(
    api: httpx.AsyncClient, client: AsyncClient
) -> None:
    jobs = [{"task": "t"}, {"task": "t", "priority": 10}]

    answer = await api.post("/v1/jobs/many", json={"jobs": jobs})

    assert answer.status_code == 422
    assert answer.json()["detail"] == "jobs.1: priority 10 is not a whole number from 0 to 9"
    assert (await client.stats()).queues == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"queue": ""},
        {"task": "a\0b"},
        {"delay": "soon"},
        {"delay": -1},
        {"run_at": "2030-01-01T00:00:00"},
        {"payload": {"a": "\0"}},
        {"priorty": 1},
        {"headers": {"a": 1}},
    ],
)
async def test_what_is_no_job_is_refused(unasked: FastAPI, fields: dict[str, Any]) -> None:
    async with caller(unasked) as api:
        answer = await api.post("/v1/jobs", json={"task": "t"} | fields)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", ['{"task": "t"', '{"task": "t", "payload": {"a": NaN}}', "[" * 100_000, "7"])
async def test_what_is_no_json_object_is_refused(unasked: FastAPI, body: str) -> None:
    async with caller(unasked) as api:
        answer = await api.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_not_called_json_is_not_read(unasked: FastAPI) -> None:
    """A web page may send those anywhere without asking first."""
    async with caller(unasked) as api:
        answer = await api.post("/v1/jobs", content='{"task": "t"}', headers={"Content-Type": "text/plain"})

    assert answer.status_code == 422


async def test_a_payload_over_the_limit_is_too_large(unasked: FastAPI) -> None:
    async with caller(unasked) as api:
        answer = await api.post("/v1/jobs", json={"task": "t", "payload": {"a": "x" * 1024 * 1024}})

    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:pgqueue:problem:payload-too-large"


@pytest.mark.parametrize("job_id", ["1", "9" * 19])
async def test_an_unknown_job_is_not_found(api: httpx.AsyncClient, job_id: str) -> None:
    for answer in (await api.get(f"/v1/jobs/{job_id}"), await api.post(f"/v1/jobs/{job_id}/cancel")):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:pgqueue:problem:unknown-job"


@pytest.mark.parametrize("job_id", ["seven", "-1", "9" * 20, "%00"])
async def test_what_is_no_id_is_told(unasked: FastAPI, job_id: str) -> None:
    async with caller(unasked) as api:
        assert (await api.get(f"/v1/jobs/{job_id}")).status_code == 422


async def test_a_job_is_cancelled_with_its_reason(api: httpx.AsyncClient) -> None:
    job_id = await enqueued(api)

    answer = await api.post(f"/v1/jobs/{job_id}/cancel", json={"reason": "not wanted"})

    assert answer.json() == {"found": "waiting"}
    assert (await api.get(f"/v1/jobs/{job_id}")).json()["state"] == "cancelled"


async def test_a_waiter_gets_the_result_when_there_is_one(
    api: httpx.AsyncClient, client: AsyncClient
) -> None:
    job_id = await enqueued(api, keep_result=True)
    waiting = asyncio.ensure_future(api.get(f"/v1/jobs/{job_id}", params={"wait": 60}))

    for delivery in await client.claim("default"):
        await client.finish(delivery, result={"sent": 3})
    found = (await waiting).json()

    assert (found["state"], found["result"]) == ("succeeded", {"sent": 3})
    assert [attempt["state"] for attempt in found["attempts"]] == ["succeeded"]


async def test_a_waiter_gets_the_job_as_it_is_when_time_is_up(api: httpx.AsyncClient) -> None:
    job_id = await enqueued(api)

    answer = await api.get(f"/v1/jobs/{job_id}", params={"wait": 0.05})

    assert (answer.status_code, answer.json()["state"]) == (200, "waiting")
    assert (await api.get(f"/v1/jobs/{job_id}", params={"wait": 61})).status_code == 422


async def test_waiters_hold_no_connection(dsn: str) -> None:
    async with AsyncClient(dsn, pool_size=1) as one:
        app = create_app(one)
        job_id = await one.enqueue(Job(task="t", payload="{}"))
        async with caller(app) as api:
            waiting = [
                asyncio.ensure_future(api.get(f"/v1/jobs/{job_id}", params={"wait": 60})) for _ in range(20)
            ]
            await until(lambda: app.state.service.waiters == 20)

            answer = await api.post(f"/v1/jobs/{job_id}/cancel")

            assert answer.status_code == 200
            assert {(await one_answer).json()["state"] for one_answer in waiting} == {"cancelled"}


async def test_one_waiter_too_many_is_sent_away(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_WAITERS", 1)
    app = create_app(client)
    path = f"/v1/jobs/{await client.enqueue(Job(task='t', payload='{}'))}"
    async with caller(app) as api:
        waiting = asyncio.ensure_future(api.get(path, params={"wait": 60}))
        await until(lambda: app.state.service.waiters == 1)

        refused = await api.get(path, params={"wait": 1})
        found = await api.get(path)

        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert found.status_code == 200
        stop(app)
        await waiting


async def test_stopping_answers_who_waits(dsn: str, client: AsyncClient) -> None:
    app = create_app(client)
    job_id = await client.enqueue(Job(task="t", payload="{}"))
    async with caller(app) as api:
        waiting = asyncio.ensure_future(api.get(f"/v1/jobs/{job_id}", params={"wait": 60}))
        await until(lambda: app.state.service.waiters == 1)

        stop(app)

        assert (await waiting).json()["state"] == "waiting"
