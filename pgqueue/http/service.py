"""What the requests of one app share; it must never close a client it was given."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request, Security, params
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from pgqueue.async_client import AsyncClient
from pgqueue.calls.activity import Activity, End
from pgqueue.calls.jobs import known
from pgqueue.http.access import Role
from pgqueue.http.feed import Feed
from pgqueue.http.gate import CALLER
from pgqueue.http.problems import RETRY_AFTER
from pgqueue.http.redaction import Redact, nothing_hidden
from pgqueue.http.shared import Shared
from pgqueue.record import JobRecord
from pgqueue.stats import Stats
from pgqueue.waiting import pauses

POOL_SIZE = 8
CONNECTION_TIMEOUT = timedelta(seconds=5)  # whoever asks over HTTP asks again
STATS_FRESH_SECONDS = 1.0
CHECK_FRESH_SECONDS = 1.0
CHECK_SECONDS = 3.0  # longer no probe waits
MOST_WAITERS = 200  # each looks for its job up to twice a second

Question = Callable[[], Awaitable[bool]]

bearer = HTTPBearer(auto_error=False, description="See `pgqueue token`. The gate has looked at it already.")


class Service:
    """A client, what is hidden of what it finds, and what is asked of it once for all."""

    def __init__(self, client: AsyncClient, *, is_ours: bool, redact: Redact = nothing_hidden) -> None:
        self.client = client
        self.redact = redact
        self._is_ours = is_ours
        self.closing = asyncio.Event()
        self.waiters = 0
        self.stats: Shared[Stats] = Shared(client.stats, fresh_seconds=STATS_FRESH_SECONDS)
        self.activity: Shared[Activity] = Shared(client.activity, fresh_seconds=STATS_FRESH_SECONDS)
        self.feed = Feed(self._last_ends)
        self.check: Shared[None] = Shared(self._check, fresh_seconds=CHECK_FRESH_SECONDS)

    async def _check(self) -> None:
        async with asyncio.timeout(CHECK_SECONDS):
            await self.client.check_schema()

    async def _last_ends(self, limit: int) -> Sequence[End]:
        return await self.client.last_ends(limit=limit)

    async def wait(self, job_id: int, seconds: float, *, is_gone: Question) -> JobRecord:
        """The job once it has ended; as it is after so long, when we close, or once nobody waits any more.

        No connection is held between the looks. Raises UnknownJob, or HTTPException where too many wait.
        """
        if seconds and self.waiters >= MOST_WAITERS:
            detail = f"{MOST_WAITERS} requests wait for jobs already: ask again, or without wait"
            raise HTTPException(503, detail, headers=RETRY_AFTER)
        deadline = time.monotonic() + seconds
        self.waiters += 1
        try:
            for pause in pauses():
                record = known(job_id, await self.client.get(job_id))
                left = deadline - time.monotonic()
                if record.has_ended or left <= 0 or self.closing.is_set() or await is_gone():
                    return record
                await self._rest(min(pause, left))
        finally:
            self.waiters -= 1
        raise AssertionError("pauses never end")

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.closing.wait()

    def stop(self) -> None:
        """Answer now who waits, end the streams, and be ready for nobody more."""
        self.closing.set()
        self.feed.close()

    async def close(self) -> None:
        """Stop, and close the client if it is ours."""
        self.stop()
        if self._is_ours:
            await self.client.close()


def service_of(request: Request) -> Service:
    """The service of the app that got this request."""
    service: Service = request.app.state.service
    return service


def needs(role: Role) -> params.Depends:
    """For routes that only callers with this role, or an admin, may use."""

    async def check(request: Request, _: Annotated[object, Security(bearer)]) -> None:
        roles = request.scope[CALLER]
        if role not in roles and "admin" not in roles:
            raise HTTPException(403, f"this takes the role {role}, which this token has not")

    depends: params.Depends = Depends(check)
    return depends


TheService = Annotated[Service, Depends(service_of)]


def client_of(service: TheService) -> AsyncClient:
    """The app's client."""
    return service.client


TheClient = Annotated[AsyncClient, Depends(client_of)]
