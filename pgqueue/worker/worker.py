"""The worker: several duties around one book, on one line to the database, with ears on another.

It must never stop for a lost connection, nor end the process it runs in.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from pgqueue.calls.watch import next_due
from pgqueue.calls.workers import disown, leave_workers
from pgqueue.settings import SCHEMA, WorkerSettings
from pgqueue.task import Task
from pgqueue.worker.book import Book
from pgqueue.worker.connections import Connections
from pgqueue.worker.counts import Counts
from pgqueue.worker.ears import Ears
from pgqueue.worker.keeper import Keeper
from pgqueue.worker.line import LineBroken
from pgqueue.worker.pace import Pace
from pgqueue.worker.pump import Pump
from pgqueue.worker.rota import Rota
from pgqueue.worker.runner import Runner
from pgqueue.worker.sentry import Sentry
from pgqueue.worker.steward import Steward

logger = logging.getLogger("pgqueue.worker")

STOP_MARGIN_SECONDS = 5.0  # after the grace: to tell what ended, if the server can be reached at all


class Worker:
    """Runs the jobs of some queues in this process.

    tasks: whose jobs it can run; others are handed back unspent.
    queues: names, or names with weights. strict: a later one only when the earlier are empty.
    watch_dsn: a direct connection for waking and for being seen alive, where
        `dsn` leads through a transaction-mode pooler.
    poll_only: without it: only polling, and recovery by the visibility timeout alone.
    prepare: False where the pooler cannot keep prepared statements.
    drain: stop by itself when nothing is left to do, now or later.
    """

    def __init__(
        self,
        dsn: str,
        tasks: Iterable[Task[..., Any]],
        queues: Sequence[str] | Mapping[str, float],
        *,
        strict: bool = False,
        settings: WorkerSettings | None = None,
        schema: str = SCHEMA,
        watch_dsn: str | None = None,
        poll_only: bool = False,
        prepare: bool = True,
        drain: bool = False,
    ) -> None:
        self.settings = settings or WorkerSettings()
        self.counts = Counts()
        self._tasks = {task.name: task for task in tasks}
        self._rota = Rota(queues, strict=strict)
        self._is_drain = drain
        self._stops = 0
        self._connections = Connections(
            dsn,
            watch_dsn=watch_dsn,
            poll_only=poll_only,
            prepare=prepare,
            schema=schema,
            queues=self._rota.queues,
            durable=self.settings.durable_finishes,
        )

    @property
    def has_strays(self) -> bool:
        """Whether threads still run handlers whose attempt is over; only the process's end ends them."""
        return self._runner.strays > 0

    async def run(self) -> None:
        """Work until stopped.

        Raises NotInstalled or SchemaMismatch, or what the server says if it cannot be
        reached at the start; once started, lost connections are made again.
        """
        self._assemble()
        try:
            await self._connections.open()
            duties = [asyncio.create_task(duty) for duty in self._duties()]
            try:
                await self._until_stopped(duties)
            finally:
                await end(duties)
            await self._leave()
        finally:
            self._runner.close()
            await self._connections.close()

    def stop(self) -> None:
        """Claim no more, let running handlers finish within the grace, hand back the rest; then `run` returns.

        Called again, it hurries: what still runs is stopped and handed back unspent now.
        """
        self._stops += 1
        if self._stops > 1:
            self._runner.abandon()
            return
        self._pump.is_stopping = True
        self._pump.put_down()
        self._pump.wake()
        loop = asyncio.get_running_loop()
        loop.call_later(self.settings.grace.total_seconds(), self._runner.abandon)
        loop.call_later(self.settings.grace.total_seconds() + STOP_MARGIN_SECONDS, self._gone.set)

    def _assemble(self) -> None:
        """The parts, which exist only while we run: they belong to the running loop."""
        settings, connections = self.settings, self._connections
        self._gone = asyncio.Event()
        self._book = Book(changed=self._wake_pump)
        self._runner = Runner(
            self._book,
            self._tasks,
            self.counts,
            concurrency=settings.concurrency,
            unknown_delay=settings.unknown_delay,
            result_limit_bytes=settings.result_limit_bytes,
            schema=connections.schema,
        )
        self._sentry = Sentry(self._rota.queues, poll=settings.poll)
        self._pump = Pump(
            book=self._book,
            connections=connections,
            runner=self._runner,
            sentry=self._sentry,
            rota=self._rota,
            pace=Pace(concurrency=settings.concurrency, ahead=settings.ahead, largest=settings.largest_batch),
            counts=self.counts,
            lease=settings.lease,
            largest_batch=settings.largest_batch,
        )
        self._keeper = Keeper(self._book, connections.line, self.counts, lease=settings.lease)
        self._steward = Steward(connections)

    def _wake_pump(self) -> None:
        self._pump.wake()

    def _duties(self) -> list[Any]:
        """Everything done at once, as coroutines."""
        duties = [
            self._pumping(),
            repeated(self._keeper.tick, lambda: self._keeper.tick_seconds),
            repeated(self._steward.tick, lambda: self._steward.pause_seconds),
        ]
        if self._connections.direct_dsn is not None:
            ears = Ears(self._connections, sentry=self._sentry, pump=self._pump, keeper=self._keeper)
            duties.append(ears.run())
        if self._is_drain:
            duties.append(self._draining())
        return duties

    async def _pumping(self) -> None:
        """Pump, connecting again whenever the line breaks, until stopped."""
        while True:
            try:
                await self._pump.run()
            except LineBroken as error:
                logger.warning("lost the database: %s", error)
                await self._reconnect()
            else:
                self._gone.set()
                return

    async def _reconnect(self) -> None:
        """Connect again; the old session's locks are gone, and so may be an answer we never read."""
        self._sentry.forget()
        self._steward.forget()
        await self._connections.reopen()
        try:
            await self._connections.line.run(disown(self._connections.worker, list(self._book.claims)))
        except LineBroken:
            return  # the pump will notice
        logger.info("back at the database")

    async def _draining(self) -> None:
        """Stop once a look finds nothing, nothing is held, and nothing is scheduled."""
        while True:
            self._pump.found_nothing.clear()
            await self._pump.found_nothing.wait()
            if self._book.claims:
                continue
            try:
                (due,) = await self._connections.line.run(next_due(self._rota.queues))
            except LineBroken:
                continue
            if due is None and not self._book.claims:
                self.stop()
                return

    async def _until_stopped(self, duties: Sequence["asyncio.Task[Any]"]) -> None:
        """Wait for the pump's end; a duty that fails ends the worker with its error."""
        gone = asyncio.create_task(self._gone.wait())
        watched = {gone, *duties}
        while not self._gone.is_set():
            done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for duty in done:
                duty.result()
        gone.cancel()

    async def _leave(self) -> None:
        guard = self._connections.guard
        try:
            if guard is not None:
                await guard.run(leave_workers(self._connections.worker))
        except LineBroken:
            logger.info("could not say goodbye: the database is gone")


async def repeated(tick: Callable[[], Awaitable[None]], pause_seconds: Callable[[], float]) -> None:
    """A duty done again and again; while the line is broken it waits like the others."""
    while True:
        try:
            await tick()
        except LineBroken:
            logger.debug("a duty waits for the database")
        except Exception:
            logger.exception("a duty failed; it is tried again")
        await asyncio.sleep(pause_seconds())


async def end(duties: Sequence["asyncio.Task[Any]"]) -> None:
    """Cancel what still runs and wait for its end."""
    for duty in duties:
        duty.cancel()
    await asyncio.gather(*duties, return_exceptions=True)
