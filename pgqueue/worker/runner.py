"""Runs handlers: async ones in the loop, blocking ones in threads; turns what they answer into endings.

It must never let a handler's error, of whatever kind, out of here.
"""

import asyncio
import contextvars
import inspect
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from pgqueue.calls.finish import Ending
from pgqueue.errors import InvalidPayload
from pgqueue.outcomes import Answer, Cancel
from pgqueue.task import Arguments, Task
from pgqueue.worker import verdict
from pgqueue.worker.book import Book
from pgqueue.worker.counts import Counts
from pgqueue.worker.running_job import RunningJob, enter

logger = logging.getLogger("pgqueue.worker")

AnyTask = Task[..., Any]


class Runner:
    """Starts what waits in the book, up to `concurrency` at once, and books how it ended."""

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
    ) -> None:
        self._book = book
        self._tasks = tasks
        self._counts = counts
        self._concurrency = concurrency
        self._unknown_delay = unknown_delay
        self._result_limit_bytes = result_limit_bytes
        self._schema = schema
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="pgqueue")
        self.strays = 0

    @property
    def free(self) -> int:
        """How many more handlers may start.

        Strays count: blocking handlers whose attempt is over, but whose thread is not.
        """
        return self._concurrency - len(self._book.running) - self.strays

    def start_waiting(self) -> None:
        """Start as many of the waiting jobs as may run."""
        waiting, running = self._book.waiting, self._book.running
        loop = asyncio.get_running_loop()
        for _ in range(min(self.free, len(waiting))):
            delivery = waiting.popleft()
            job = RunningJob(delivery, schema=self._schema)
            running[delivery.id] = job
            self._counts.started += 1
            job.handle = loop.create_task(self._run(job))

    def abandon(self) -> None:
        """Stop every running handler now: its job is handed back unspent."""
        for job in tuple(self._book.running.values()):
            job.is_abandoned = True
            if job.handle is not None:
                job.handle.cancel()

    def close(self) -> None:
        """Start no thread any more; strays are left to the process's end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, job: RunningJob) -> None:
        """One attempt, from start to its word in the book."""
        started = time.perf_counter()
        ending = await self._ending(job)
        seconds = time.perf_counter() - started
        self._counts.ended(job.delivery, ending)
        if ending is None:
            self._book.ended(job.delivery, seconds)
        elif ending.state == "returned":
            self._book.ended(job.delivery, ending)
        else:
            self._book.ended(job.delivery, replace(ending, run_seconds=seconds))
        if self._book.waiting:
            self.start_waiting()

    async def _ending(self, job: RunningJob) -> Ending | None:
        """How the attempt ends; None if it simply succeeded and nothing is to be kept."""
        delivery = job.delivery
        task = self._tasks.get(delivery.task)
        if task is None:
            return self._unknown(job)
        try:
            arguments = task.decode(delivery.payload)
            enter(job)
            result = await self._call(task, job, arguments)
        except asyncio.CancelledError as error:
            return self._stopped(job, task, error)
        except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the worker
            return self._failed(job, task, error)
        if not delivery.keep_result and not isinstance(result, Answer):
            return None
        return verdict.answered(delivery, result, task.backoff, self._result_limit_bytes)

    async def _call(self, task: AnyTask, job: RunningJob, arguments: Arguments) -> Any:
        """Run the handler, within its timeout if it has one."""
        if not task.is_async:
            return await self._call_in_thread(task, job, arguments)
        if job.deadline is None:
            return await task.function(**arguments)
        limit = asyncio.timeout_at(job.deadline)
        try:
            async with limit:
                job.on_deadline = limit.reschedule
                return await task.function(**arguments)
        except TimeoutError as error:
            if limit.expired():
                raise timed_out(job) from error
            raise

    async def _call_in_thread(self, task: AnyTask, job: RunningJob, arguments: Arguments) -> Any:
        """Run a blocking handler in a thread, with the context of this job."""
        job.is_in_thread = True
        call = partial(contextvars.copy_context().run, partial(task.function, **arguments))
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            await until_deadline(future, job)
        except BaseException:
            self._leave_behind(job, future)
            raise
        result = future.result()
        return await result if inspect.isawaitable(result) else result

    def _leave_behind(self, job: RunningJob, future: "asyncio.Future[Any]") -> None:
        """A thread cannot be stopped: tell its handler, and keep its place taken until it ends."""
        job.is_cancelled = True
        if future.cancel():
            return
        self.strays += 1
        logger.warning("job %s (%s) still runs in its thread after its end", job.id, job.delivery.task)

        def ended(stray: "asyncio.Future[Any]") -> None:
            self.strays -= 1
            if not stray.cancelled():
                stray.exception()  # looked at, so that nobody complains it never was
            self.start_waiting()

        future.add_done_callback(ended)

    def _unknown(self, job: RunningJob) -> Ending:
        self._counts.unknown += 1
        ending, warning = verdict.unknown(job.delivery, self._unknown_delay)
        logger.warning("%s", warning)
        return ending

    def _stopped(self, job: RunningJob, task: AnyTask, error: asyncio.CancelledError) -> Ending:
        """The handler was cancelled: by us, for a reason the job knows, or by itself."""
        if job.is_abandoned or job.is_lease_lost:
            return verdict.unspent(job.delivery)
        if job.is_cancelled:
            return verdict.raised(job.delivery, Cancel("it was cancelled while it ran"), task.backoff)
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
                error,
            )
        return verdict.raised(job.delivery, error, task.backoff)


async def until_deadline(future: "asyncio.Future[Any]", job: RunningJob) -> None:
    """Wait for the future's end. Raises TimeoutError at the job's deadline, wherever that moves meanwhile."""
    while not future.done():
        left = job.time_left
        if left is not None and left <= timedelta(0):
            raise timed_out(job)
        await asyncio.wait({future}, timeout=None if left is None else left.total_seconds())


def timed_out(job: RunningJob) -> TimeoutError:
    """The error of an attempt that took too long."""
    return TimeoutError(f"the attempt took longer than its timeout of {job.delivery.timeout}")
