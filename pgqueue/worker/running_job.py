"""What a handler sees of the job it runs: who it is, how long it may take, whether it is still wanted."""

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from pgqueue.calls.finish import complete
from pgqueue.delivery import Delivery
from pgqueue.drivers import choose
from pgqueue.outcomes import Cancel
from pgqueue.result import result_json
from pgqueue.sealing import Keyring, sealed_result
from pgqueue.settings import PAYLOAD_LIMIT_BYTES, SCHEMA

_current: ContextVar["RunningJob"] = ContextVar("pgqueue_current_job")


def current_job() -> "RunningJob":
    """The job this handler runs. Works in async handlers, in threads, and in what they call.

    Raises LookupError outside a handler.
    """
    try:
        return _current.get()
    except LookupError:
        raise LookupError("no job is running here: current_job() is for handlers run by a worker") from None


class RunningJob:
    """One attempt under way.

    is_cancelled: somebody asked that it stop. is_lease_lost: another worker may
    have it by now, whatever is done will not count. Async handlers are also
    cancelled (asyncio) at either; blocking ones should look from time to time.
    keyring: its task's, with which its result is sealed.
    has_finished: it called `finish` or `finish_async`, in a transaction that may yet be rolled back.
    """

    __slots__ = (
        "_result_limit_bytes",
        "_schema",
        "_started",
        "deadline",
        "delivery",
        "handle",
        "has_finished",
        "is_abandoned",
        "is_cancelled",
        "is_in_thread",
        "is_lease_lost",
        "is_started",
        "keyring",
        "must_not_start",
        "on_deadline",
        "progress",
    )

    def __init__(
        self, delivery: Delivery, *, schema: str = SCHEMA, result_limit_bytes: int = PAYLOAD_LIMIT_BYTES
    ) -> None:
        self.delivery = delivery
        self.is_cancelled = False
        self.is_lease_lost = False
        self.is_abandoned = False
        self.is_in_thread = False
        self.is_started = False
        self.must_not_start = False
        self.has_finished = False
        self.progress: tuple[float, str | None] | None = None
        self.on_deadline: Callable[[float], None] | None = None
        self.handle: asyncio.Task[None] | None = None
        self.keyring: Keyring | None = None
        self._schema = schema
        self._result_limit_bytes = result_limit_bytes
        self._started = time.monotonic()
        timeout = delivery.timeout
        self.deadline = None if timeout is None else self._started + timeout.total_seconds()

    @property
    def id(self) -> int:
        """The job's id."""
        return self.delivery.id

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.delivery.attempt

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure now is the end."""
        return self.delivery.attempt >= self.delivery.last_attempt

    @property
    def time_left(self) -> timedelta | None:
        """How long this attempt may still take; None without a timeout."""
        return None if self.deadline is None else timedelta(seconds=self.deadline - time.monotonic())

    def extend(self, by: timedelta) -> None:
        """Let this attempt take until `by` from now, whatever its timeout. The lease follows by itself."""
        if self.deadline is None:
            return
        self.deadline = max(self.deadline, time.monotonic() + by.total_seconds())
        if self.on_deadline is not None:
            self.on_deadline(self.deadline)

    def report_progress(self, fraction: float, note: str | None = None) -> None:
        """Say how far it is, 0 to 1; shown with the job within a second or so. Only the newest is sent."""
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress {fraction} is not between 0 and 1")
        self.progress = (float(fraction), note)

    def stop_if_unwanted(self) -> None:
        """For blocking handlers, now and then: raise Cancel if the job is cancelled or its lease lost."""
        if self.is_cancelled or self.is_lease_lost:
            raise Cancel("it was cancelled" if self.is_cancelled else "its lease was lost")

    def finish(self, connection: object, *, result: object = None) -> None:
        """Finish the job when this connection's transaction commits: its effects and its end, or neither.

        What the handler does afterwards changes nothing any more: if it fails, the job
        has still succeeded. Where the transaction is rolled back the attempt has failed,
        even if the handler returns.
        Raises LeaseLost if the job is not ours any more, or finished already: roll back.
        """
        chosen = choose.blocking(connection)
        chosen.run(connection, self._completion(result), self._schema)
        self.has_finished = True

    async def finish_async(self, connection: object, *, result: object = None) -> None:
        """Finish the job when this async connection's transaction commits. See `finish`."""
        chosen = choose.asynchronous(connection)
        await chosen.run(connection, self._completion(result), self._schema)
        self.has_finished = True

    def stop_handler(self, *, leaves_thread: bool = False) -> None:
        """Cancel an async handler; a blocking one has to look by itself. For the worker's use.

        leaves_thread: wait for a blocking one no longer, either.
        """
        if not self.is_started:  # cancelled now, it would never say how it ended
            self.must_not_start = True
        elif self.handle is not None and (leaves_thread or not self.is_in_thread):
            self.handle.cancel()

    def _completion(self, result: object) -> Any:
        kept = result_json(self.delivery, result, self._result_limit_bytes)
        if kept is not None and self.keyring is not None:
            kept = sealed_result(self.keyring, self.id, kept)
        elapsed = time.monotonic() - self._started
        return complete(self.delivery.claim, self.delivery.id, run_seconds=elapsed, result=kept)


def enter(job: RunningJob) -> None:
    """Make it the current job of this context."""
    _current.set(job)
