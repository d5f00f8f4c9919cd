"""Runs handlers: async ones in the loop, blocking ones in threads; turns what they answer into endings.

It must never let a handler's error, of whatever kind, out of here.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from pgqueue.calls.finish import Ending
from pgqueue.errors import InvalidPayload
from pgqueue.failure import said
from pgqueue.outcomes import Answer
from pgqueue.task import Arguments, Task
from pgqueue.tracing import Tracing
from pgqueue.worker import verdict
from pgqueue.worker.book import Book
from pgqueue.worker.counts import Counts
from pgqueue.worker.running_job import RunningJob, enter
from pgqueue.worker.threads import Returned, call_in_context

logger = logging.getLogger("pgqueue.worker")

AnyTask = Task[..., Any]
LAST_SECONDS = 1.0  # for handlers to end that were stopped because the worker itself failed


class Runner:
    """Starts what waits in the book, up to `concurrency` at once, and books how it ended.

    strays: blocking handlers whose attempt is over, but whose thread is not.
    """

    def __init__(
        self,
        book: Book,
        tasks: Mapping[str, AnyTask],
        counts: Counts,
        *,
        concurrency: int,
        unknown_delay: timedelta,
        result_limit_bytes: int,
        schema: str,
        tracing: Tracing | None = None,
    ) -> None:
        self._book = book
        self._tasks = tasks
        self._counts = counts
        self._concurrency = concurrency
        self._unknown_delay = unknown_delay
        self._result_limit_bytes = result_limit_bytes
        self._schema = schema
        self._tracing = tracing
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="pgqueue")
        self._strays: dict[Future[Returned], asyncio.Future[Returned]] = {}

    @property
    def strays(self) -> int:
        """How many threads are busy with what no longer counts."""
        return len(self._strays)

    @property
    def has_strays(self) -> bool:
        """Whether any is busy right now, also once we are closed."""
        return any(not in_thread.done() for in_thread in self._strays)

    @property
    def free(self) -> int:
        """How many more handlers may start."""
        return self._concurrency - len(self._book.running) - len(self._strays)

    def start_waiting(self) -> None:
        """Start as many of the waiting jobs as may run."""
        waiting, running = self._book.waiting, self._book.running
        loop = asyncio.get_running_loop()
        for _ in range(min(self.free, len(waiting))):
            delivery = waiting.popleft()
            job = RunningJob(delivery, schema=self._schema, result_limit_bytes=self._result_limit_bytes)
            running.add(job)
            self._counts.start(delivery)
            job.handle = loop.create_task(self._run(job))

    def abandon(self) -> None:
        """Stop every running handler now: its job is handed back unspent."""
        for job in tuple(self._book.running):
            job.is_abandoned = True
            job.stop_handler(leaves_thread=True)

    async def end(self) -> None:
        """Stop every handler that still runs, and wait for a moment until it has."""
        self.abandon()
        handles = [job.handle for job in self._book.running if job.handle is not None]
        if handles:
            await asyncio.wait(handles, timeout=LAST_SECONDS)

    def close(self) -> None:
        """Start no thread any more; strays are left to the process's end."""
        for future in self._strays.values():
            future.cancel()  # its thread need not tell a loop that may be closed by then
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, job: RunningJob) -> None:
        """One attempt, from start to its word in the book."""
        job.is_started = True
        started = time.perf_counter()
        if self._tracing is None:
            ending = kept(job, await self._ending(job))
        else:
            ending = await self._traced_ending(job, self._tracing)
        seconds = time.perf_counter() - started
        self._book.running.discard(job)
        if not job.is_lease_lost:
            self._counts.ended(job.delivery, ending, seconds=seconds, has_finished=job.has_finished)
        if ending is None:
            self._book.ended(job.delivery, seconds)
        elif ending.state == "returned":
            self._book.ended(job.delivery, ending)
        else:
            self._book.ended(job.delivery, replace(ending, run_seconds=seconds))
        if self._book.waiting:
            self.start_waiting()

    async def _traced_ending(self, job: RunningJob, tracing: Tracing) -> Ending | None:
        with tracing.running(job.delivery) as span:
            ending = kept(job, await self._ending(job))
            state, error = (ending.state, ending.error) if ending else ("succeeded", None)
            span.ended(state, error)
            return ending

    async def _ending(self, job: RunningJob) -> Ending | None:
        """How the attempt ends; None if it simply succeeded and nothing is to be kept."""
        delivery = job.delivery
        task = self._tasks.get(delivery.task)
        if task is None:
            return self._unknown(job)
        job.keyring = task.keyring
        if job.must_not_start:
            return self._stopped(job, task, asyncio.CancelledError())
        try:
            arguments = task.decode(delivery.payload)
            enter(job)
            result = await self._call(task, job, arguments)
        except asyncio.CancelledError as error:
            return self._stopped(job, task, error)
        except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the worker
            return self._failed(job, task, error)
        if not (delivery.keep_result or job.has_finished or isinstance(result, Answer)):
            return None
        return self._returned(job, task, result)

    async def _call(self, task: AnyTask, job: RunningJob, arguments: Arguments) -> Any:
        """Run the handler, within its timeout if it has one."""
        if not task.is_async:
            result = await self._call_in_thread(task, job, arguments)
            return await self._await_in_time(job, result) if inspect.isawaitable(result) else result
        if job.deadline is None:
            return await task.function(**arguments)
        return await self._await_in_time(job, task.function(**arguments))

    async def _await_in_time(self, job: RunningJob, handler: Any) -> Any:
        if job.deadline is None:
            return await handler
        limit = asyncio.timeout_at(job.deadline)
        try:
            async with limit:
                job.on_deadline = limit.reschedule
                return await handler
        except TimeoutError as error:
            if limit.expired():
                raise timed_out(job) from error
            raise

    async def _call_in_thread(self, task: AnyTask, job: RunningJob, arguments: Arguments) -> Any:
        """Run a blocking handler in a thread, with the context of this job."""
        job.is_in_thread = True
        in_thread = self._threads.submit(call_in_context(partial(task.function, **arguments)))
        future = asyncio.wrap_future(in_thread)
        try:
            await until_deadline(future, job)
        except BaseException:
            self._leave_behind(job, in_thread, future)
            raise
        job.is_in_thread = False
        return future.result().unpack()

    def _leave_behind(
        self, job: RunningJob, in_thread: "Future[Returned]", future: "asyncio.Future[Returned]"
    ) -> None:
        """A thread cannot be stopped: tell its handler, and keep its place taken until it ends."""
        job.is_cancelled = True
        if in_thread.cancel() or in_thread.done():
            return
        self._strays[in_thread] = future
        logger.warning("job %s (%s) still runs in its thread after its end", job.id, job.delivery.task)
        future.add_done_callback(partial(self._stray_ended, in_thread))

    def _stray_ended(self, in_thread: "Future[Returned]", future: "asyncio.Future[Returned]") -> None:
        if future.cancelled():  # by `close`: the thread goes on
            return
        del self._strays[in_thread]
        if self._book.waiting:
            self.start_waiting()
        self._book.room_made()

    def _unknown(self, job: RunningJob) -> Ending:
        self._counts.unknown += 1
        ending, warning = verdict.unknown(job.delivery, self._unknown_delay)
        logger.warning("%s", warning)
        return ending

    def _returned(self, job: RunningJob, task: AnyTask, result: object) -> Ending:
        if job.has_finished:
            return verdict.finished_itself(job.delivery, task.backoff)
        try:
            return verdict.answered(job.delivery, result, task.backoff, self._result_limit_bytes)
        except BaseException as error:  # noqa: BLE001 - writing a result down runs code of the user's
            return self._failed(job, task, error)

    def _stopped(self, job: RunningJob, task: AnyTask, error: asyncio.CancelledError) -> Ending:
        """The handler was cancelled: by us, for a reason the job knows, or by itself."""
        if job.is_abandoned or job.is_lease_lost:
            return self._settled(job, verdict.unspent(job.delivery))
        if job.is_cancelled:
            return self._settled(job, verdict.cancelled(job.delivery, "it was cancelled while it ran"))
        return self._failed(job, task, error)

    def _failed(self, job: RunningJob, task: AnyTask, error: BaseException) -> Ending:
        if not isinstance(error, Answer):
            level = logging.ERROR if isinstance(error, InvalidPayload) else logging.WARNING
            logger.log(
                level,
                "job %s (%s) failed in attempt %s of %s: %s: %s",
                job.id,
                job.delivery.task,
                job.attempt,
                job.delivery.last_attempt,
                type(error).__name__,
                said(error) if job.keyring is None else "(sealed)",
            )
        return self._settled(job, verdict.raised(job.delivery, error, task.backoff))

    def _settled(self, job: RunningJob, ending: Ending) -> Ending:
        """The ending, which counts only where the handler did not finish its job itself."""
        return verdict.unless_finished(ending) if job.has_finished else ending


async def until_deadline(future: "asyncio.Future[Returned]", job: RunningJob) -> None:
    """Wait for the future's end. Raises TimeoutError at the job's deadline, wherever that moves meanwhile."""
    while not future.done():
        left = job.time_left
        if left is not None and left <= timedelta(0):
            raise timed_out(job)
        await asyncio.wait({future}, timeout=None if left is None else left.total_seconds())


def kept(job: RunningJob, ending: Ending | None) -> Ending | None:
    """What is kept of an ending: sealed, if its task has a keyring."""
    return ending if ending is None or job.keyring is None else verdict.sealed(ending, job.keyring)


def timed_out(job: RunningJob) -> TimeoutError:
    """The error of an attempt that took too long."""
    return TimeoutError(f"the attempt took longer than its timeout of {job.delivery.timeout}")
