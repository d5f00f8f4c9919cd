"""The applications of a run: they enqueue in every way there is, roll back, cancel, redrive and purge.

They must never trust an answer they did not get: what the connection took along is of unknown fate.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from random import Random

import psycopg

from pgqueue import AsyncClient, PgQueueError
from pgqueue.job import Job
from pgqueue.record import DeadLetter
from tests.chaos import tasks
from tests.chaos.jobs import job_of, some_kind
from tests.chaos.kinds import LIBRARY
from tests.chaos.ledger import Entry, Ledger

QUEUES = ("a", "b", "c")
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.1  # between two deeds of one application, on average
LOST = (psycopg.Error, OSError, TimeoutError)
CONFLICTS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)  # surely rolled back
FEUD = "update chaos.accounts set balance = balance + 1 where id = %s"
ORDER = "insert into chaos.orders (key) values (%s)"


class Undone(Exception):
    """The application rolls back."""


class Application:
    """One client of the queue: its own pool, its own transactions, one thing at a time."""

    def __init__(self, dsn: str, ledger: Ledger, random: Random) -> None:
        self._dsn = dsn
        self._ledger = ledger
        self._random = random
        self._client = AsyncClient(dsn, pool_size=2, prepare=False)
        self._deeds: dict[Callable[[], Awaitable[None]], int] = {
            self.enqueue_one: 10,
            self.enqueue_in_transaction: 6,
            self.enqueue_bulk: 1,
            self.enqueue_alike: 2,
            self.cancel: 1,
            self.redrive: 4,
            self.purge: 1,
        }

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            while True:
                (deed,) = self._random.choices(list(self._deeds), list(self._deeds.values()))
                try:
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await deed()
                except (*LOST, PgQueueError):
                    pass  # whom it concerns has written it down
                await asyncio.sleep(self._random.expovariate(1 / PAUSE_SECONDS))
        finally:
            await self._client.close()

    async def enqueue_one(self) -> None:
        """One job in a transaction of its own."""
        entry = self._ledger.open(some_kind(self._random))
        await self._send([entry], self._enqueue(entry))

    async def enqueue_bulk(self) -> None:
        """Many at once, all or nothing."""
        entries = [self._ledger.open(some_kind(self._random)) for _ in range(self._random.randint(10, 60))]
        jobs = [self._job(entry).options(queue=self._queue(entry)) for entry in entries]
        await self._send(entries, self._client.enqueue_many(jobs))

    async def enqueue_alike(self) -> None:
        """Many of one kind into one queue, all or nothing: they share rows."""
        kind = some_kind(self._random)
        entries = [self._ledger.open(kind) for _ in range(self._random.randint(2, 80))]
        queue = self._queue(entries[0])
        jobs = [self._job(entry).options(queue=queue) for entry in entries]
        await self._send(entries, self._client.enqueue_many(jobs))

    async def enqueue_in_transaction(self) -> None:
        """Jobs and the application's own writes in one transaction, which may deadlock or be rolled back."""
        entries = [
            self._ledger.open(some_kind(self._random), has_order=True)
            for _ in range(self._random.randint(1, 3))
        ]
        saved = self._ledger.open("plain")
        try:
            async with await psycopg.AsyncConnection.connect(self._dsn, prepare_threshold=None) as connection:
                await self._write(connection, entries, saved)
                self._ledger.tell(entries, "unknown")  # from here on only an answer tells
                await connection.commit()
        except BaseException as error:
            # Before the commit was sent nothing can have been committed; after it, an error of the
            # server's own that names a conflict says so too.
            self._ledger.tell([saved], "rolled back")
            is_sent = entries[0].fate == "unknown"
            if not is_sent or isinstance(error, CONFLICTS):
                self._roll_back(entries)
            if not isinstance(error, Undone):
                raise
        else:
            self._ledger.tell(entries, "committed")

    async def cancel(self) -> None:
        """Ask for some job to be run no more."""
        entries = self._ledger.entries.values()
        known = [entry for entry in entries if entry.job is not None and not entry.is_spared]
        if known:
            entry = self._random.choice(known[-200:])
            self._ledger.asked("cancel", entry)
            await self._client.cancel(entry.job or 0)

    async def redrive(self) -> None:
        """Put some dead jobs back."""
        for letter, entry in await self._some_letters():
            self._ledger.asked("redrive", entry)
            await self._client.redrive([letter.id])

    async def purge(self) -> None:
        """Delete some dead jobs for good."""
        for letter, entry in await self._some_letters():
            self._ledger.asked("purge", entry)
            await self._client.purge([letter.id])

    async def _some_letters(self) -> list[tuple[DeadLetter, Entry]]:
        letters = await self._client.dead_letters(limit=20)
        chosen = self._random.sample(letters, min(2, len(letters)))
        return [(letter, self._ledger.entries[letter.payload["key"]]) for letter in chosen]

    async def _send(self, entries: list[Entry], sending: Awaitable[list[int]]) -> None:
        """Send them and write down their fate."""
        self._ledger.tell(entries, "unknown")
        try:
            ids = await sending
        except CONFLICTS:
            self._roll_back(entries)
            raise
        for entry, job in zip(entries, ids, strict=True):
            entry.job = job
        self._ledger.tell(entries, "committed")

    def _roll_back(self, entries: list[Entry]) -> None:
        for entry in entries:
            entry.job = None
        self._ledger.tell(entries, "rolled back")

    async def _enqueue(self, entry: Entry) -> list[int]:
        delay = timedelta(seconds=self._random.uniform(0, 6)) if self._random.random() < 0.2 else None
        job = self._job(entry).options(
            queue=self._queue(entry), priority=self._random.randint(0, 9), delay=delay
        )
        return [await self._client.enqueue(job)]

    async def _write(
        self, connection: "psycopg.AsyncConnection[tuple[object, ...]]", entries: list[Entry], saved: Entry
    ) -> None:
        """Everything but the commit. Two accounts in any order: that is how deadlocks are made."""
        for account in self._random.sample(range(1, 7), 2):
            await connection.execute(FEUD, (account,))
            await asyncio.sleep(self._random.uniform(0, 0.02))
        for entry in entries:
            await connection.execute(ORDER, (entry.key,))
            entry.job = await self._client.enqueue(
                self._job(entry), queue=self._queue(entry), connection=connection
            )
        if self._random.random() < 0.5:
            with suppress(Undone):
                async with connection.transaction():
                    await self._client.enqueue(self._job(saved), queue="a", connection=connection)
                    raise Undone
        if self._random.random() < 0.05:
            await asyncio.sleep(self._random.uniform(1, 5))  # an application that takes its time
        if self._random.random() < 0.3:
            raise Undone

    def _queue(self, entry: Entry) -> str:
        return LIBRARY.get(entry.kind) or self._random.choice(QUEUES)

    def _job(self, entry: Entry) -> Job:
        return job_of(entry, self._random)


@asynccontextmanager
async def loaded(dsns: list[str], ledger: Ledger, random: Random) -> AsyncIterator[None]:
    """An application by each of these ways, at work inside the block; one that fails ends it."""
    async with asyncio.TaskGroup() as group:
        applications = [
            group.create_task(Application(dsn, ledger, Random(random.random())).run()) for dsn in dsns
        ]
        try:
            yield
        finally:
            for application in applications:
                application.cancel()


async def poison_one(client: AsyncClient, ledger: Ledger) -> None:
    """A job that kills whichever worker runs it."""
    entry = ledger.open("poison")
    ledger.tell([entry], "unknown")
    entry.job = await client.enqueue(tasks.poison.job(key=entry.key), queue=QUEUES[0])
    ledger.tell([entry], "committed")
