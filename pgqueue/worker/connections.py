"""A worker's connections: the line for jobs, the guard for locks that last as long as a session.

The guard is the line itself, unless a pooler stands between: then it is a
direct connection, or there is none and the worker only polls.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psycopg

from pgqueue.calls.call import Call
from pgqueue.calls.installation import version as installed_version
from pgqueue.calls.workers import join_workers, leave_workers, new_id, settle_session
from pgqueue.drivers import psycopg as driver
from pgqueue.drivers.own import options_for
from pgqueue.errors import PgQueueError
from pgqueue.version import check_revision, functions_digest
from pgqueue.worker.line import MOST_PATIENCE_SECONDS, Connection, Line, LineBroken, first_line, patience_for
from pgqueue.worker.session import is_shared

logger = logging.getLogger("pgqueue.worker")

LEAST_SILENCE = timedelta(seconds=60)  # we speak every few seconds, but the machine may be busy
LEAVE_SECONDS = 2.0


class Connections:
    """The connections of one worker, and how each is greeted.

    worker: our id, given by the server at the first connection.
    is_joined: whether our session holds the lock that says we live; meaningless without a guard.
    guard: given up for good where it proves to be no session of ours.
    """

    def __init__(
        self,
        dsn: str,
        *,
        watch_dsn: str | None,
        poll_only: bool,
        prepare: bool,
        schema: str,
        queues: Sequence[str],
        concurrency: int,
        durable: bool,
        lease: timedelta,
        poll: timedelta,
    ) -> None:
        self.worker = 0
        self.is_joined = True
        self.schema = schema
        self.options: dict[str, Any] = options_for(dsn, prepare=prepare)
        self.direct_dsn = None if poll_only else watch_dsn or dsn
        self._queues = list(queues)
        self._concurrency = concurrency
        self.is_paused = False
        self._is_direct = self.direct_dsn == dsn
        self._durable = durable
        self._silence = max(LEAST_SILENCE, lease, 3 * poll)
        patience_seconds = patience_for(lease)
        self.line = Line(
            dsn,
            schema=schema,
            options=self.options,
            greeting=self._greet_line,
            patience_seconds=patience_seconds,
        )
        self.guard: Line | None = None
        if self._is_direct:
            self.guard = self.line
        elif watch_dsn is not None and not poll_only:
            self.guard = Line(
                watch_dsn,
                schema=schema,
                options=self.options,
                greeting=self._greet_guard,
                patience_seconds=patience_seconds,
            )

    async def open(self) -> None:
        """Connect once. Raises what the server says, NotInstalled or SchemaMismatch."""
        await self.line.open()
        guard = self.guard
        if guard is not None and guard is not self.line:
            await guard.open()
            if self.guard is None:
                await guard.drop()

    @property
    def has_guard_apart(self) -> bool:
        """Whether the guard is a connection of its own."""
        return self.guard is not None and self.guard is not self.line

    async def join(self) -> None:
        """Try once more to be seen alive, after an older session of ours has gone. Raises LineBroken."""
        if self.guard is not None:
            (self.is_joined,) = await self.guard.run(self._joining())

    async def leave(self, parting: Sequence[Call[None]]) -> None:
        """Be one of the workers no more; a server that does not answer is not waited for.

        parting: what to ask before, in the same round trip.
        """
        if self.guard is None:
            return
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.guard.run(*parting, leave_workers(self.worker))
        except (LineBroken, TimeoutError, psycopg.Error, PgQueueError) as error:
            logger.info("could not say goodbye: %s", first_line(error))

    async def withdraw(self) -> None:
        """While we cannot hold the lock that says we live, be judged by our leases alone, which we extend."""
        try:
            await self.line.run(leave_workers(self.worker))
        except (LineBroken, psycopg.Error, PgQueueError) as error:
            logger.info("could not withdraw from the list of workers: %s", first_line(error))
        finally:
            self.is_joined = False  # also where we have joined meanwhile: the steward joins again

    def another(self) -> Line:
        """A connection more, where the line goes, for what may take long: the caller opens and drops it."""
        return Line(
            self.line.dsn,
            schema=self.schema,
            options=self.options,
            greeting=self._settle if self._is_direct else no_greeting,
            patience_seconds=MOST_PATIENCE_SECONDS,
        )

    async def close(self) -> None:
        """Close both."""
        await self.line.drop()
        if self.guard is not None:
            await self.guard.drop()

    async def _greet_guard(self, connection: Connection) -> None:
        if await is_shared(connection, self.direct_dsn or "", self.options):
            self._go_without_guard()
            return
        await self._settle(connection)
        await self._join(connection)

    async def _greet_line(self, connection: Connection) -> None:
        if self._is_direct and await is_shared(connection, self.line.dsn, self.options):
            self._go_without_guard()
        if self._is_direct:
            await self._settle(connection)
        installed = await driver.run_async(connection, installed_version(), self.schema)
        check_revision(installed.revision, self.schema)
        if installed.functions_digest != functions_digest():
            logger.warning(
                "the functions in schema %r are another release's: run `pgqueue migrate`", self.schema
            )
        if not self.worker:
            self.worker = await driver.run_async(connection, new_id(), self.schema)
        if self._is_direct:
            await self._join(connection)

    def _go_without_guard(self) -> None:
        """From now on we only poll: locks would be a stranger's, and so would be what we should hear."""
        self.guard = None
        self.direct_dsn = None
        self._is_direct = False
        logger.warning(
            "a pooler shares our session with others (transaction mode): we only poll, and if we die our jobs"
            " wait until their lease ends; give a direct connection, too: watch_dsn, --watch-dsn"
        )

    async def _settle(self, connection: Connection) -> None:
        """Whose lease has passed in silence holds nothing any more, and need not be seen alive either."""
        settings = settle_session(durable=self._durable, silence=self._silence)
        await driver.run_async(connection, settings, self.schema)

    async def _join(self, connection: Connection) -> None:
        """Be alive, for others to see. Where an older session of ours lingers, its lock speaks for us."""
        self.is_joined = await driver.run_async(connection, self._joining(), self.schema)
        if not self.is_joined:
            logger.info("an older session of this worker is not gone yet")

    def _joining(self) -> Call[bool]:
        return join_workers(
            self.worker,
            queues=self._queues,
            host=socket.gethostname(),
            process_id=os.getpid(),
            version=package_version(),
            concurrency=self._concurrency,
            paused=self.is_paused,
        )


async def no_greeting(connection: Connection) -> None:
    """Nothing to say."""


def package_version() -> str:
    """This package's version, as installed."""
    try:
        return version("pgqueue-py")
    except PackageNotFoundError:
        return "unknown"
