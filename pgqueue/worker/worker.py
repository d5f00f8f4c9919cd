"""The worker: several duties around one book, on one line to the database.

It must never stop for a lost connection, nor end the process it runs in.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import psycopg

from pgqueue.calls.watch import next_due
from pgqueue.errors import PgQueueError
from pgqueue.metrics import catalogue
from pgqueue.metrics.numbers import Numbers
from pgqueue.metrics.worker import WorkerMetrics
from pgqueue.settings import SCHEMA, WorkerSettings
from pgqueue.task import Task
from pgqueue.tracing import Tracing
from pgqueue.worker.book import Book
from pgqueue.worker.caretaker import LOOK_SECONDS, Caretaker
from pgqueue.worker.connections import LEAVE_SECONDS, Connections
from pgqueue.worker.counts import Counts, MeteredCounts
from pgqueue.worker.ears import Ears
from pgqueue.worker.keeper import Keeper
from pgqueue.worker.line import Line, LineBroken
from pgqueue.worker.pace import Pace
from pgqueue.worker.pump import Pump
from pgqueue.worker.rota import Rota
from pgqueue.worker.runner import Runner
from pgqueue.worker.sentry import Sentry
from pgqueue.worker.steward import Steward
from pgqueue.worker.teller import Teller

logger = logging.getLogger("pgqueue.worker")

STOP_MARGIN_SECONDS = 5.0  # after the grace: to tell what ended, if the server can be reached at all


class Worker:
    """Runs the jobs of some queues in this process, once: a stopped worker is not started again.

    tasks: whose jobs it can run; others are handed back unspent.
    queues: names, or names with weights. strict: a later one only when the earlier are empty.
    watch_dsn: a direct connection for waking and for being seen alive, where
        `dsn` leads through a transaction-mode pooler.
    poll_only: without it: only polling, and recovery by the visibility timeout alone.
        A worker that finds its session shared by a pooler goes over to that by itself.
    prepare: whether to prepare statements; behind a pooler none are in any case.
    drain: stop by itself when nothing is left to do, now or later.
    metrics: where to count for Prometheus what is done; of this worker alone.
    tracing: makes spans of claims and runs; a run belongs to the trace its job was enqueued in.
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
        metrics: WorkerMetrics | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.settings = settings or WorkerSettings()
        self.counts = MeteredCounts(metrics) if metrics else Counts()
        self._tasks = by_name(tasks)
        self._rota = Rota(queues, strict=strict)
        if metrics:
            metrics.begin(self._tasks, self._at_present, expected=self._expected())
        self._is_drain = drain
        self._tracing = tracing
        self._stops = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._connections = Connections(
            dsn,
            watch_dsn=watch_dsn,
            poll_only=poll_only,
            prepare=prepare,
            schema=schema,
            queues=self._rota.queues,
            concurrency=self.settings.concurrency,
            durable=self.settings.durable_finishes,
            lease=self.settings.lease,
            poll=self.settings.poll,
        )

    @property
    def has_strays(self) -> bool:
        """Whether handlers still run whose attempt is over, in threads or deaf to their cancellation.

        Only the process's end ends them.
        """
        return self._loop is not None and (self._runner.has_strays or bool(self._book.running))

    async def run(self) -> None:
        """Work until stopped.

        Raises NotInstalled or SchemaMismatch, or what the server says if it cannot be
        reached at the start; once started, lost connections are made again.
        """
        self._assemble()
        try:
            await self._connections.open()
            self._learn_guard()
            duties = [asyncio.create_task(duty) for duty in self._duties()]
            try:
                await self._until_stopped(duties)
            finally:
                # Cancelled in the middle of a call, the line would break, and we could not say goodbye.
                async with self._connections.line.quiet(LEAVE_SECONDS):
                    await end(duties)
            if not self._book.claims:  # else let others miss us, and take back what we hold
                await self._connections.leave(self._sentry.farewell())
        finally:
            for timer in self._timers:
                timer.cancel()
            await self._runner.end()
            self._runner.close()
            await self._connections.close()

    def stop(self) -> None:
        """Claim no more, let running handlers finish within the grace, hand back the rest; then end `run`.

        Called again, it hurries: what still runs is stopped and handed back unspent now.
        """
        self._stops += 1
        if self._loop is None:
            return
        if self._stops > 1:
            self._abandon()
            return
        self._pump.is_stopping = True
        self._pump.put_down()
        self._pump.wake()
        self._timers.append(self._loop.call_later(self.settings.grace.total_seconds(), self._abandon))
        if not self._connections.line.is_connected:
            self._leave_empty_handed()
        else:  # an answer under way may yet bring jobs, but a silent server is not waited for all the grace
            self._timers.append(self._loop.call_later(STOP_MARGIN_SECONDS, self._leave_empty_handed))

    def _leave_empty_handed(self) -> None:
        """Where nothing is held, nothing need be told."""
        if not self._book.claims:
            self._gone.set()

    def _abandon(self) -> None:
        """Wait no longer for handlers, and not much longer for the server."""
        self._runner.abandon()
        if self._loop is not None:
            self._timers.append(self._loop.call_later(STOP_MARGIN_SECONDS, self._gone.set))

    def _assemble(self) -> None:
        """The parts, which exist only while we run: they belong to the running loop."""
        if self._loop is not None:
            raise RuntimeError("a worker runs once: make another")
        settings, connections = self.settings, self._connections
        self._loop = asyncio.get_running_loop()
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
            tracing=self._tracing,
        )
        self._sentry = Sentry(self._rota.queues, poll=settings.poll)
        pace = Pace(concurrency=settings.concurrency, ahead=settings.ahead, largest=settings.largest_batch)
        self._pump = Pump(
            book=self._book,
            connections=connections,
            counts=self.counts,
            runner=self._runner,
            sentry=self._sentry,
            rota=self._rota,
            pace=pace,
            teller=Teller(self._book, connections.line, self.counts, pace=pace, sentry=self._sentry),
            lease=settings.lease,
            largest_batch=settings.largest_batch,
            tracing=self._tracing,
        )
        self._pump.is_stopping = self._stops > 0
        self._keeper = Keeper(
            self._book,
            connections.line,
            self.counts,
            guard=lambda: connections.guard,
            pump=self._pump,
            pace=pace,
            lease=settings.lease,
        )
        ears = Ears(counts=self.counts, sentry=self._sentry, pump=self._pump, keeper=self._keeper)
        if connections.guard is not None:
            connections.guard.on_notify = ears.heard
        self._steward = Steward(
            connections, joined=self._doubt, took_back=self._pump.look, paused=self._pump.pause
        )
        self._caretaker = Caretaker(connections, is_ours=lambda: self._steward.keeps_house)
        connections.line.on_break = self._wake_pump
        if connections.guard is not None and connections.has_guard_apart:
            connections.guard.on_break = self._lost_guard

    def _expected(self) -> list[tuple[str, str]]:
        """The tasks that are meant to come from our queues, after their queue."""
        queues = self._rota.queues
        return [(task.queue, name) for name, task in self._tasks.items() if task.queue in queues]

    def _at_present(self) -> Numbers:
        """What the metrics tell of us beside the attempts; asked from whatever thread."""
        has_begun = hasattr(self, "_runner")
        busy = len(self._book.running) + self._runner.strays if has_begun else 0
        return {
            (catalogue.WORKER_SLOTS.name, ()): self.settings.concurrency,
            (catalogue.WORKER_BUSY_SLOTS.name, ()): busy,
            (catalogue.WORKER_HELD.name, ()): self._book.held if has_begun else 0,
            (catalogue.WORKER_PROCESSES.name, ()): 1,
            (catalogue.JOBS_LOST.name, ()): self.counts.lost,
            (catalogue.WORKER_CLAIMS.name, ("jobs",)): self.counts.claims,
            (catalogue.WORKER_CLAIMS.name, ("nothing",)): self.counts.empty_claims,
            (catalogue.WAKEUPS.name, ()): self.counts.wakeups,
            (catalogue.RECONNECTS.name, ()): self.counts.reconnects,
        }

    def _wake_pump(self) -> None:
        self._pump.wake()

    def _doubt(self) -> None:
        """An answer may have been lost, and with it claims that are ours."""
        self._pump.is_in_doubt = True
        self._pump.wake()

    def _duties(self) -> list[Any]:
        """Everything done at once, as coroutines."""
        duties = [
            self._pumping(),
            repeated(self._keeper.tick, lambda: self._keeper.tick_seconds),
            repeated(self._keeper.listen, lambda: self._keeper.tick_seconds),
            repeated(self._steward.tick, lambda: self._steward.pause_seconds),
            repeated(self._caretaker.tick, lambda: LOOK_SECONDS),
        ]
        guard = self._connections.guard
        if guard is not None and guard is not self._connections.line:
            duties.append(self._guarding(guard))
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
        if not self._connections.has_guard_apart:
            self._lost_locks()
        await self._connections.line.reopen()
        self._learn_guard()
        if not self._sentry.has_guard:
            await self._connections.withdraw()
        self._book.doubt()
        self._doubt()
        self.counts.reconnects += 1
        logger.info("back at the database")

    def _learn_guard(self) -> None:
        """Once we are connected we know whether the session is ours; without one we only poll."""
        guard = self._connections.guard
        self._sentry.has_guard = guard is not None and guard.is_connected

    def _lost_locks(self) -> None:
        self._sentry.forget()
        self._steward.forget()
        self._keeper.forget()

    def _lost_guard(self) -> None:
        """The connection for locks and ears is gone: until it is made again we poll."""
        self._sentry.has_guard = False
        self._lost_locks()
        self._pump.wake()

    async def _guarding(self, guard: Line) -> None:
        """Make the connection for locks and ears again whenever it breaks, unless it proves to be none."""
        while self._connections.guard is guard:
            await guard.broken.wait()
            await self._connections.withdraw()
            await guard.reopen()
            self._connections.is_joined = False  # the withdrawal may have come after: join once more
            self._learn_guard()
            self._pump.look()
        await guard.drop()

    async def _draining(self) -> None:
        """Stop once a look finds nothing, nothing is held, and nothing is scheduled."""
        while True:
            self._pump.rests.clear()
            await self._pump.rests.wait()
            try:
                (due,) = await self._connections.line.run(next_due(self._rota.queues))
            except (LineBroken, psycopg.Error, PgQueueError):
                continue
            if due is None and self._pump.rests.is_set() and await self._finds_nothing_more():
                self.stop()
                return

    async def _finds_nothing_more(self) -> bool:
        """What fell due after the last look, and before we asked what is due later, is found by one more."""
        started = self.counts.started
        self._pump.rests.clear()
        self._pump.look()
        await self._pump.rests.wait()
        return self.counts.started == started

    async def _until_stopped(self, duties: Sequence["asyncio.Task[Any]"]) -> None:
        """Wait for the pump's end; a duty that fails ends the worker with its error."""
        gone = asyncio.create_task(self._gone.wait())
        watched = {gone, *duties}
        try:
            while not self._gone.is_set():
                done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                for duty in done:
                    duty.result()
        finally:
            gone.cancel()


def by_name(tasks: Iterable[Task[..., Any]]) -> dict[str, Task[..., Any]]:
    """The tasks by their names. Raises ValueError where two of them share one."""
    named: dict[str, Task[..., Any]] = {}
    for task in tasks:
        if named.setdefault(task.name, task) is not task:
            raise ValueError(f"two tasks are named {task.name!r}: a job would not know which is meant")
    return named


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
