"""What a caller asks for, a job, and the bounds it must keep; nothing here talks to a database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pgqueue.errors import InvalidJob

DEFAULT_QUEUE = "default"
DEFAULT_PRIORITY = 5
DEFAULT_MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call of a task, ready to be enqueued. Made by `Task.job`, changed by `options`.

    payload: the arguments as a JSON object in text.
    priority: 0 (most urgent) to 9.
    max_attempts: how often it may be delivered, 1 to 30000.
    delay, run_at: not before this long from enqueueing, or this moment (aware); one of them.
    timeout: how long one attempt may run; None for as long as it likes.
    headers: what travels with the job and is not an argument: trace context, tenant.
    keep_result: whether what the handler returns is kept with the outcome.
    """

    task: str
    payload: str
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    delay: timedelta | None = None
    run_at: datetime | None = None
    timeout: timedelta | None = None
    headers: Mapping[str, str] | None = None
    keep_result: bool = False

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the value and the bound."""
        if not 1 <= len(self.queue) <= 63:
            raise InvalidJob(f"queue {self.queue!r} is not a name of 1 to 63 characters")
        if not 1 <= len(self.task) <= 255:
            raise InvalidJob(f"task {self.task!r} is not a name of 1 to 255 characters")
        if not 0 <= self.priority <= 9:
            raise InvalidJob(f"priority {self.priority} is not 0 (most urgent) to 9")
        if not 1 <= self.max_attempts <= 30_000:
            raise InvalidJob(f"max_attempts {self.max_attempts} is not 1 to 30000")
        if self.timeout is not None and self.timeout <= timedelta(0):
            raise InvalidJob(f"timeout {self.timeout} is not above zero")
        self._check_time()

    def options(
        self,
        *,
        queue: str | None = None,
        priority: int | None = None,
        max_attempts: int | None = None,
        delay: timedelta | None = None,
        run_at: datetime | None = None,
        timeout: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
        keep_result: bool | None = None,
    ) -> "Job":
        """The same job with some options changed; what is None stays as it is."""
        given = {
            "queue": queue,
            "priority": priority,
            "max_attempts": max_attempts,
            "delay": delay,
            "run_at": run_at,
            "timeout": timeout,
            "headers": headers,
            "keep_result": keep_result,
        }
        changed = {name: value for name, value in given.items() if value is not None}
        return replace(self, **changed) if changed else self  # type: ignore[arg-type]

    def with_payload(self, payload: str) -> "Job":
        """The same job with other arguments."""
        return replace(self, payload=payload)

    def _check_time(self) -> None:
        if self.delay is not None and self.run_at is not None:
            raise InvalidJob(f"both delay {self.delay} and run_at {self.run_at} are given: choose one")
        if self.delay is not None and self.delay < timedelta(0):
            raise InvalidJob(f"delay {self.delay} is below zero")
        if self.run_at is not None and self.run_at.tzinfo is None:
            raise InvalidJob(
                f"run_at {self.run_at} has no time zone: give an aware datetime, such as {self.run_at.replace(tzinfo=UTC)}"
            )
