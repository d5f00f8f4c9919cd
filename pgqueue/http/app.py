"""Puts the app together. It must never need to be started: where it is mounted, nobody starts it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from pgqueue.async_client import AsyncClient
from pgqueue.http import dead, events, health, jobs, queues
from pgqueue.http.access import Authenticate, Token, by_place, by_token
from pgqueue.http.gate import Gate
from pgqueue.http.problems import Problem, answers, tell_problems
from pgqueue.http.redaction import Redact, nothing_hidden
from pgqueue.http.service import CONNECTION_TIMEOUT, POOL_SIZE, Service
from pgqueue.settings import PAYLOAD_LIMIT_BYTES, SCHEMA

BODY_LIMIT_BYTES = 8 * PAYLOAD_LIMIT_BYTES  # a payload at its limit fits in, however its text is escaped
API_VERSION = "1"
REFERENCES = "#/components/schemas/{model}"
DESCRIPTION = (
    "Ids are text. Durations are seconds; those of jobs may be text such as 1h30m. "
    "Errors are application/problem+json, their `type` names the kind."
)


def create_app(
    client: AsyncClient | str,
    *,
    schema: str = SCHEMA,
    tokens: Collection[Token] | None = None,
    authenticate: Authenticate | None = None,
    body_limit_bytes: int = BODY_LIMIT_BYTES,
    redact: Redact = nothing_hidden,
) -> FastAPI:
    """The API of one installation, an ASGI app to serve or to mount.

    client: whoever made it closes it. Or a DSN, with the schema pgqueue is installed in.
    tokens: who may ask (see `read_tokens`). None: only programs of the same machine may.
    authenticate: your own way to tell a caller's roles, in place of tokens. Raises Refused.
    redact: given a task's name, a part of a job (payload, headers, result or error) and its value,
        returns what whoever looks is shown in its place, an admin too.

    Mounted, it works at once. At the end call `close` in your application's lifespan: that of a
    mounted app does not run.
    """
    is_ours = isinstance(client, str)
    service = Service(
        AsyncClient(client, schema=schema, pool_size=POOL_SIZE, connection_timeout=CONNECTION_TIMEOUT)
        if isinstance(client, str)
        else client,
        is_ours=is_ours,
        redact=redact,
    )
    app = FastAPI(
        title="pgqueue",
        version=API_VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # its pages are fetched from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the caller's Host
    )
    app.state.service = service
    app.add_middleware(
        Gate,
        authenticate=authenticate or (by_place if tokens is None else by_token(tokens)),
        limit_bytes=body_limit_bytes,
    )
    tell_problems(app)
    app.include_router(health.router)
    for router in (jobs.router, dead.router, queues.router, events.router):
        app.include_router(router, responses=answers(401, 403, 422, 500, 503))
    describe_problems(app)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Where the app is served by itself, it closes itself."""
    yield
    await close(app)


def stop(app: FastAPI) -> None:
    """Answer at once who waits for something, and end the streams; the app goes on to answer."""
    service: Service = app.state.service
    service.stop()


async def close(app: FastAPI) -> None:
    """Stop, and close the connections, unless the client was given."""
    service: Service = app.state.service
    await service.close()


def describe_problems(app: FastAPI) -> None:
    """Put the problems' schema where the answers refer to it."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        described = plain()
        _, problems = models_json_schema([(Problem, "serialization")], ref_template=REFERENCES)
        described["components"]["schemas"].update(problems["$defs"])
        return described

    app.openapi = openapi  # type: ignore[method-assign]
