"""A worker's connections: the line for jobs, the guard for locks that last as long as a session.

The guard is the line itself, unless a pooler stands between: then it is a
direct connection, or there is none and the worker only polls.
"""

import logging
import os
import socket
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pgqueue.calls.installation import version as installed_version
from pgqueue.calls.workers import join_workers, new_id
from pgqueue.database import connection_options
from pgqueue.drivers import psycopg as driver
from pgqueue.version import check_revision, functions_digest
from pgqueue.worker.line import Connection, Line

logger = logging.getLogger("pgqueue.worker")

SOCKET_PATIENCE = {  # a silent network is a broken one after about ten seconds
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class Connections:
    """The connections of one worker, and how each is greeted.

    worker: our id, given by the server at the first connection.
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
        durable: bool,
    ) -> None:
        self.worker = 0
        self.schema = schema
        self.options: dict[str, Any] = {**connection_options(prepare=prepare), **SOCKET_PATIENCE}
        self.direct_dsn = None if poll_only else watch_dsn or dsn
        self._queues = list(queues)
        self._is_direct = self.direct_dsn == dsn
        self._durable = durable
        self.line = Line(dsn, schema=schema, options=self.options, greeting=self._greet_line)
        self.guard: Line | None = None
        if self._is_direct:
            self.guard = self.line
        elif watch_dsn is not None and not poll_only:
            self.guard = Line(watch_dsn, schema=schema, options=self.options, greeting=self._join)

    async def open(self) -> None:
        """Connect once. Raises what the server says, NotInstalled or SchemaMismatch."""
        await self.line.open()
        if self.guard is not None and self.guard is not self.line:
            await self.guard.open()

    async def reopen(self) -> None:
        """Connect what is broken again, until it works."""
        await self.line.reopen()
        if self.guard is not None:
            await self.guard.reopen()

    async def close(self) -> None:
        """Close both."""
        await self.line.close()
        if self.guard is not None:
            await self.guard.close()

    async def _greet_line(self, connection: Connection) -> None:
        installed = await driver.run_async(connection, installed_version(), self.schema)
        check_revision(installed.revision, self.schema)
        if installed.functions_digest != functions_digest():
            logger.warning(
                "the functions in schema %r are another release's: run `pgqueue migrate`", self.schema
            )
        if not self.worker:
            self.worker = await driver.run_async(connection, new_id(), self.schema)
        if self._is_direct:
            if not self._durable:
                await connection.execute("set synchronous_commit = off")
            await self._join(connection)

    async def _join(self, connection: Connection) -> None:
        """Be alive, for others to see. Where an older session of ours lingers, its lock speaks for us."""
        joining = join_workers(
            self.worker,
            queues=self._queues,
            host=socket.gethostname(),
            process_id=os.getpid(),
            version=package_version(),
        )
        if not await driver.run_async(connection, joining, self.schema):
            logger.info("an older session of this worker is not gone yet")


def package_version() -> str:
    """This package's version, as installed."""
    try:
        return version("pgqueue-py")
    except PackageNotFoundError:
        return "unknown"
