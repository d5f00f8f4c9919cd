"""Tests of dead letters over HTTP: paged, filtered, put back, deleted."""

import httpx
import pytest
from fastapi import FastAPI

from pgqueue import AsyncClient, Job
from pgqueue.http import dead
from tests.http.conftest import caller


async def bury(client: AsyncClient, count: int, queue: str = "default") -> list[str]:
    """Jobs that died one after the other, as ids, the last first."""
    ids = []
    for _ in range(count):
        ids.append(str(await client.enqueue(Job(task="t", payload="{}", queue=queue))))
        for delivery in await client.claim(queue):
            await client.bury(delivery, ValueError("hopeless"))
    return ids[::-1]


async def test_a_list_is_read_page_by_page(api: httpx.AsyncClient, client: AsyncClient) -> None:
    ids = await bury(client, 5)

    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/v1/dead", params=query)).json()
        seen += [letter["id"] for letter in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == ids


async def test_a_letter_is_told_in_a_line_and_whole_as_a_job(
    api: httpx.AsyncClient, client: AsyncClient
) -> None:
    await bury(client, 1)

    (letter,) = (await api.get("/v1/dead", params={"error_type": "ValueError"})).json()["items"]
    whole = (await api.get(f"/v1/jobs/{letter['id']}")).json()

    assert letter["error"]["message"] == "hopeless"
    assert {"payload", "headers", "attempts"}.isdisjoint(letter)
    assert [attempt["state"] for attempt in whole["attempts"]] == ["dead"]


async def test_a_filter_leaves_out_the_others(api: httpx.AsyncClient, client: AsyncClient) -> None:
    await bury(client, 1, "other")
    wanted = await bury(client, 1)

    page = (await api.get("/v1/dead", params={"queue": "default"})).json()

    assert [letter["id"] for letter in page["items"]] == wanted


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": "W10"},
        {"cursor": "WyIyMDMwLTAxLTAxIiwgW11d"},
        {"cursor": "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwgIjEiXQ"},
        {"cursor": "\xe9"},
        {"limit": 0},
        {"limit": 501},
        {"queue": "\0"},
        {"quue": "email"},
        {"died_since": "2030-01-01T00:00:00"},
    ],
)
async def test_a_query_that_makes_no_sense_is_told(unasked: FastAPI, query: dict[str, str]) -> None:
    async with caller(unasked) as api:
        answer = await api.get("/v1/dead", params=query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"].startswith("query.")


async def test_dead_jobs_are_put_back(api: httpx.AsyncClient, client: AsyncClient) -> None:
    (job_id,) = await bury(client, 1)

    answer = await api.post("/v1/dead/retry", json={"ids": [job_id, "1", "9" * 19]})

    assert answer.json() == {"ids": [job_id]}
    assert (await api.get(f"/v1/jobs/{job_id}")).json()["state"] == "waiting"


async def test_dead_letters_are_deleted(api: httpx.AsyncClient, client: AsyncClient) -> None:
    (job_id,) = await bury(client, 1)

    answer = await api.post("/v1/dead/purge", json={"ids": [job_id]})

    assert answer.json() == {"ids": [job_id]}
    assert (await api.get("/v1/dead")).json() == {"items": [], "next": None}


async def test_all_that_fit_are_put_back(
    api: httpx.AsyncClient, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "MOST_ON_PAGE", 2)
    kept = await bury(client, 1, "other")
    wanted = await bury(client, 3)

    done = (await api.post("/v1/dead/retry-all", json={"queue": "default"})).json()

    assert (sorted(done["ids"]), done["more"]) == (sorted(wanted), False)
    assert [letter["id"] for letter in (await api.get("/v1/dead")).json()["items"]] == kept


async def test_too_many_are_deleted_in_parts(
    api: httpx.AsyncClient, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "MOST_ON_PAGE", 1)
    monkeypatch.setattr(dead, "MOST_JOBS", 2)
    ids = await bury(client, 3)

    first = (await api.post("/v1/dead/purge-all", json={})).json()
    second = (await api.post("/v1/dead/purge-all", json={})).json()

    assert first == {"ids": ids[:2], "more": True}
    assert second == {"ids": ids[2:], "more": False}
