"""Tests of the app served by a real server on a real socket."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import connect

from pgqueue import AsyncClient, Job
from pgqueue.http import create_app
from pgqueue.http.serving import Server, address_of, listening
from tests.http.conftest import NOWHERE
from tests.waiting import until

JSON = {"Content-Type": "application/json"}
GRACE = timedelta(seconds=20)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """A server of the app, and a client of it."""
    listener = listening("127.0.0.1", 0)
    server = Server(app, grace=GRACE)
    serving = asyncio.ensure_future(server.serve([listener]))
    async with httpx.AsyncClient(base_url=address_of(listener), timeout=GRACE.total_seconds()) as api:
        try:
            yield server, api
        finally:
            server.handle_exit(signal.SIGTERM, None)
            await serving


async def test_told_to_stop_it_answers_who_waits(client: AsyncClient) -> None:
    app = create_app(client)
    job_id = await client.enqueue(Job(task="t", payload="{}"))
    async with served(app) as (server, api):
        waiting = asyncio.ensure_future(api.get(f"/v1/jobs/{job_id}", params={"wait": 60}))
        await until(lambda: app.state.service.waiters == 1)

        server.handle_exit(signal.SIGTERM, None)

        assert (await waiting).json()["state"] == "waiting"


async def test_a_waiter_who_hangs_up_is_forgotten(client: AsyncClient) -> None:
    app = create_app(client)
    job_id = await client.enqueue(Job(task="t", payload="{}"))
    async with served(app) as (_, api):
        waiting = asyncio.ensure_future(api.get(f"/v1/jobs/{job_id}", params={"wait": 60}))
        await until(lambda: app.state.service.waiters == 1)

        waiting.cancel()

        await until(lambda: app.state.service.waiters == 0)


async def test_it_gives_up_a_body_that_has_no_end() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    async with served(create_app(NOWHERE, body_limit_bytes=1_000_000)) as (_, api):
        try:
            answer = await api.post("/v1/jobs", content=endless(), headers=JSON)
        except httpx.NetworkError:  # it hung up while we were still sending
            return

    assert answer.status_code == 413


async def test_what_is_logged_of_a_socket_lets_nobody_act(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = create_app(NOWHERE)
    app.add_api_websocket_route("/_nicegui_ws/socket.io/", greet)
    query = "/_nicegui_ws/socket.io/?client_id=secret"
    async with served(app) as (_, api):
        address = str(api.base_url).rstrip("/").replace("http", "ws", 1)
        async with connect(address + query, additional_headers={"Cookie": "pgqueue_session=secret"}):
            pass
        await api.get(query)

    said = [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]
    assert sum("/_nicegui_ws" in line for line in said) == 2
    assert not any("secret" in line for line in said)


async def greet(visitor: WebSocket) -> None:
    await visitor.accept()
    await visitor.close()


def test_answers_leave_at_once() -> None:
    """Where they do not, each takes 40 ms."""
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()

        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_a_header_in_a_header_is_refused() -> None:
    async with served(create_app(NOWHERE)) as (_, api):
        reader, writer = await asyncio.open_connection(api.base_url.host, api.base_url.port)
        writer.write(b"GET /v1/dead?cursor=a%0d%0aX-Evil:%201 HTTP/1.1\r\n")
        writer.write(b"Host: localhost\r\nX: a\rX-Evil: 1\r\n\r\n")
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 422"))
    assert b"evil" not in answer.lower()
