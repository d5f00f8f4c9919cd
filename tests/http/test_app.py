"""Tests of the app: mounted or served, and what it says of itself."""

import httpx
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from pgqueue import AsyncClient
from pgqueue.http import close, create_app
from tests.http.conftest import caller


async def test_mounted_it_works_under_its_prefix(client: AsyncClient) -> None:
    outer = Starlette(routes=[Mount("/queue", app=create_app(client))])
    async with caller(outer) as api:
        answer = await api.post("/queue/v1/jobs", json={"task": "t"})
        location = answer.headers["location"]

        assert location == f"/queue/v1/jobs/{answer.json()['id']}"
        assert (await api.get(location)).json()["state"] == "waiting"
        assert (await api.get("/queue/health/ready")).status_code == 200
        assert (await api.get("/queue/openapi.json")).json()["servers"] == [{"url": "/queue"}]


async def test_mounted_it_refuses_strangers_all_the_same(client: AsyncClient) -> None:
    outer = FastAPI()
    outer.mount("/queue", create_app(client))
    async with caller(outer, peer=("192.0.2.7", 1)) as api:
        assert (await api.get("/queue/v1/queues")).status_code == 401
        assert (await api.get("/queue/health/live")).status_code == 200


async def test_a_client_that_was_given_stays_open(client: AsyncClient) -> None:
    await close(create_app(client))

    await client.check_schema()


async def test_served_by_itself_it_closes_what_it_opened(dsn: str) -> None:
    app = create_app(dsn)
    async with app.router.lifespan_context(app), caller(app) as api:
        assert (await api.get("/v1/jobs/1")).status_code == 404

    async with caller(app) as api:
        assert (await api.get("/v1/jobs/1")).status_code == 503


async def test_it_describes_its_problems(api: httpx.AsyncClient) -> None:
    described = (await api.get("/openapi.json")).json()

    schemas = described["components"]["schemas"]
    assert {"Problem", "Fault"} <= set(schemas)
    responses = described["paths"]["/v1/jobs"]["post"]["responses"]
    assert {"201", "401", "403", "413", "422", "500", "503"} <= set(responses)
    assert "HTTPValidationError" not in schemas
