"""What a caller asks for, a job, and the bounds it must keep; nothing here talks to a database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from pgqueue.errors import InvalidJob

DEFAULT_QUEUE = "default"
DEFAULT_PRIORITY = 5
DEFAULT_MAX_ATTEMPTS = 5
new_tuple = tuple.__new__
LONGEST = timedelta(days=365_000)  # further ahead a moment has no datetime any more


class Options(NamedTuple):
    """A job's fields, without their checks."""

    task: str
    payload: str
    queue: str
    priority: int
    max_attempts: int
    delay: timedelta | None
    run_at: datetime | None
    timeout: timedelta | None
    headers: Mapping[str, str] | None
    keep_result: bool


class Job(Options):
    """One call of a task, ready to be enqueued. Made by `Task.job`, changed by `options`.

    A tuple, for one is made for every job enqueued, and nothing is cheaper to make.

    payload: the arguments as a JSON object in text.
    priority: 0 (most urgent) to 9.
    max_attempts: how often it may be delivered, 1 to 30000.
    delay, run_at: not before this long from enqueueing, or this moment (aware); one of them.
    timeout: how long one attempt may run; None for as long as it likes.
    headers: what travels with the job and is not an argument: trace context, tenant.
    keep_result: whether what the handler returns is kept with the outcome.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        task: str,
        payload: str,
        queue: str = DEFAULT_QUEUE,
        priority: int = DEFAULT_PRIORITY,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
        delay: timedelta | None = None,
        run_at: datetime | None = None,
        timeout: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
        keep_result: bool = False,
    ) -> Self:
        """Refuse what is out of bounds, naming the value and the bound."""
        check_name("queue", queue, 63)
        check_name("task", task, 255)
        check_number("priority", priority, 0, 9)
        check_number("max_attempts", max_attempts, 1, 30_000)
        if timeout is not None and not timedelta(0) < timeout <= LONGEST:
            raise InvalidJob(f"timeout {timeout} is not above zero and at most {LONGEST.days} days")
        if delay is not None or run_at is not None:
            check_time(delay, run_at)
        if headers is not None:
            headers = checked_headers(headers)
        return cls._make(
            (task, payload, queue, priority, max_attempts, delay, run_at, timeout, headers, keep_result)
        )

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
        """The same job with some options changed; what is None stays as it is.

        A new delay takes the place of an earlier run_at, and the other way round.
        """
        given: dict[str, Any] = {
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
        if (delay is None) != (run_at is None):
            changed |= {"delay": delay, "run_at": run_at}
        return Job(**self._asdict() | changed) if changed else self

    def with_payload(self, payload: str) -> "Job":
        """The same job with other arguments; its options are not checked once more."""
        return new_tuple(Job, (self[0], payload) + self[2:])  # noqa: RUF005 - a third of what unpacking takes


def check_name(option: str, name: object, longest: int) -> None:
    """Raise InvalidJob for what cannot be the name of a queue or task."""
    if not isinstance(name, str) or not 1 <= len(name) <= longest or not is_storable(name):
        raise InvalidJob(f"{option} {name!r} is not a name of 1 to {longest} characters, none of them NUL")


def check_number(option: str, number: object, least: int, most: int) -> None:
    """Raise InvalidJob for what is no whole number within the bounds."""
    if not isinstance(number, int) or not least <= number <= most:
        raise InvalidJob(f"{option} {number!r} is not a whole number from {least} to {most}")


def check_time(delay: timedelta | None, run_at: datetime | None) -> None:
    """Raise InvalidJob for a moment that is none, or two at once."""
    if delay is not None and run_at is not None:
        raise InvalidJob(f"both delay {delay} and run_at {run_at} are given: choose one")
    if delay is not None and not timedelta(0) <= delay <= LONGEST:
        raise InvalidJob(f"delay {delay} is not zero or more and at most {LONGEST.days} days")
    if run_at is not None and run_at.utcoffset() is None:
        raise InvalidJob(
            f"run_at {run_at} has no time zone: give an aware datetime, such as {run_at.replace(tzinfo=UTC)}"
        )


def checked_headers(headers: Mapping[Any, Any]) -> dict[str, str]:
    """A copy of the headers, so that theirs may change later. Raises InvalidJob unless text names text."""
    for name, value in headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise InvalidJob(f"header {name!r} is {value!r}: names and values are strings")
        if not (is_storable(name) and is_storable(value)):
            raise InvalidJob(f"header {name!r} is {value!r}: neither may hold a NUL or half a surrogate pair")
    return dict(headers)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text."""
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
