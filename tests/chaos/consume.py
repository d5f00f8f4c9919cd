"""Consumers that are no workers: they claim and finish through the client, also in transactions of their own.

They must never hold a job longer than they say: what they leave lying comes back when its lease ends.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

import psycopg

from pgqueue import AsyncClient, Delivery, Lease, PgQueueError
from tests.chaos.executions import Account
from tests.chaos.kinds import LIBRARY
from tests.chaos.load import LOST, PATIENCE_SECONDS, Undone
from tests.chaos.tasks import EFFECT, key_of

LEASE = timedelta(seconds=3)
SHORT = timedelta(milliseconds=200)
PAUSE_SECONDS = 0.15


class Consumer:
    """One of them. It finishes `booked` jobs only together with their effect, `consumed` ones in any way."""

    def __init__(self, dsn: str, account: Account, random: Random) -> None:
        self._dsn = dsn
        self._account = account
        self._random = random
        self._client = AsyncClient(dsn, pool_size=2, prepare=False)
        self._ways: list[Callable[[Lease], Awaitable[None]]] = [
            self.finish_all,
            self.finish_each,
            self.part_with_each,
            self.abandon,
        ]

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            while True:
                try:
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await self._random.choice((self.consume, self.book, self.book_at_once))()
                except (*LOST, PgQueueError, Undone):
                    pass  # its lease ends, and the job comes back
                await asyncio.sleep(self._random.expovariate(1 / PAUSE_SECONDS))
        finally:
            await self._client.close()

    async def consume(self) -> None:
        """Claim some and end them in some way."""
        held = await self._client.claim(LIBRARY["consumed"], limit=self._random.randint(1, 6), lease=LEASE)
        for delivery in held:
            self._tell("began", delivery)
        await self._random.choice(self._ways)(held)

    async def finish_all(self, held: Lease) -> None:
        """The whole claim at once."""
        await self._client.finish_all(held)

    async def finish_each(self, held: Lease) -> None:
        """One after the other; the lease made longer in between."""
        for delivery in held:
            await self._client.finish(delivery)
            if self._random.random() < 0.2:
                await self._client.extend(held, LEASE)

    async def part_with_each(self, held: Lease) -> None:
        """One is finished, one fails, one goes back, one is left."""
        for delivery in held:
            match self._random.randrange(4):
                case 0:
                    await self._client.finish(delivery)
                case 1:
                    await self._client.fail(delivery, "planned", delay=SHORT)
                case 2:
                    await self._client.hand_back([delivery], delay=SHORT)

    async def abandon(self, held: Lease) -> None:
        """Leave it lying."""

    async def book(self) -> None:
        """Claim some, then finish each with its effect in a transaction; one in four is rolled back."""
        held = await self._client.claim(LIBRARY["booked"], limit=self._random.randint(1, 4), lease=LEASE)
        async with await self._connected() as connection:
            for delivery in held:
                await self._book(delivery, connection)
                self._may_undo()
                await connection.commit()

    async def book_at_once(self) -> None:
        """The claim, the effects and the ends in one transaction; one in four is rolled back."""
        async with await self._connected() as connection:
            held = await self._client.claim(LIBRARY["booked"], limit=3, lease=LEASE, connection=connection)
            for delivery in held:
                await self._book(delivery, connection)
            self._may_undo()

    async def _book(
        self, delivery: Delivery, connection: "psycopg.AsyncConnection[tuple[object, ...]]"
    ) -> None:
        self._tell("began", delivery)
        await connection.execute(EFFECT, (key_of(delivery), delivery.id, delivery.attempt))
        await self._client.finish(delivery, connection=connection)

    def _may_undo(self) -> None:
        if self._random.random() < 0.25:
            raise Undone

    def _tell(self, what: str, delivery: Delivery) -> None:
        self._account.append(what, key_of(delivery), delivery)

    async def _connected(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        return await psycopg.AsyncConnection.connect(self._dsn, prepare_threshold=None)


@asynccontextmanager
async def consumed(dsns: list[str], account: Account, random: Random) -> AsyncIterator[None]:
    """A consumer by each of these ways, at work inside the block; one that fails ends it."""
    async with asyncio.TaskGroup() as group:
        consumers = [group.create_task(Consumer(dsn, account, Random(random.random())).run()) for dsn in dsns]
        try:
            yield
        finally:
            for consumer in consumers:
                consumer.cancel()
