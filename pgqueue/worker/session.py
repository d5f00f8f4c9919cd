"""Whether a connection is a session of ours: what a worker's locks, settings and notifications need.

Behind a pooler that pools transactions each goes to whichever server connection is
free: a lock taken there is nobody's, and a setting reaches strangers. It must
never take a pooled session for one of ours; the other way round a worker only polls.
"""

import asyncio
import logging
from typing import Any

from pgqueue.drivers.own import OwnAsyncConnection
from pgqueue.worker.line import Connection

logger = logging.getLogger("pgqueue.worker")

PROBES = 3
PROBE_SECONDS = 5.0  # a pooler may have no server connection to spare for the second of ours


async def is_shared(connection: Connection, dsn: str, options: dict[str, Any]) -> bool:
    """Whether others are served by this connection's session, too.

    Without a pooler it is ours. With one, a second connection tells: between two
    transactions of the first its server connection is handed to the second, or the
    first is given another. A pooler of sessions does neither. Raises psycopg.Error
    or OSError where the second is refused: that tells nothing, and may be over soon.
    """
    if not connection.is_pooled:
        return False
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await _is_handed_on(connection, dsn, options)
    except TimeoutError:
        logger.info("cannot tell whether the pooler shares our session, taking it for shared")
        return True


async def _is_handed_on(connection: Connection, dsn: str, options: dict[str, Any]) -> bool:
    other = await OwnAsyncConnection.connect(dsn, **options)
    try:
        ours = await connection.process()
        for _ in range(PROBES):
            if await other.process() == ours or await connection.process() != ours:
                return True
        return False
    finally:
        await other.close()
