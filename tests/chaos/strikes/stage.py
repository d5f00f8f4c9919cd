"""What strikes can reach."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from pgqueue.embedded import EmbeddedPostgres
from tests.chaos.fleet import Fleet
from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Proxy
from tests.chaos.servers import Pooler


@dataclass(slots=True)
class Stage:
    """One run's server and what stands around it.

    dsn: leads to the server directly. turn: held by whoever takes the server down.
    """

    postgres: EmbeddedPostgres
    dsn: str
    proxy: Proxy
    pooler: Pooler | None
    fleet: Fleet
    ledger: Ledger
    random: Random
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
