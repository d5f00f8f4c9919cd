"""What the database knows of a job, told after the fact; nothing here changes anything."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

State = Literal["waiting", "scheduled", "running", "succeeded", "cancelled", "dead", "purged"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt of a job ended.

    state: succeeded, failed, expired (its worker stopped answering), dead or cancelled.
    error: {"type", "message", "traceback"} or None.
    """

    number: int
    state: str
    claimed_at: datetime
    finished_at: datetime
    worker: int | None
    run_seconds: float | None
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job, whatever state it is in.

    attempt: the attempt under way or last made; 0 before the first.
    run_at: not before this moment, if it is put off. All moments are aware UTC.
    result: what the handler returned, if the job keeps it. progress: 0 to 1, with a note.
    """

    id: int
    queue: str
    task: str
    state: State
    attempt: int
    max_attempts: int
    priority: int
    enqueued_at: datetime
    run_at: datetime | None
    claimed_at: datetime | None
    expires_at: datetime | None
    worker: int | None
    finished_at: datetime | None
    payload: dict[str, Any]
    headers: dict[str, Any] | None
    result: Any
    error: dict[str, Any] | None
    attempts: tuple[Attempt, ...]
    progress: float | None
    note: str | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in {"succeeded", "cancelled", "dead", "purged"}


@dataclass(frozen=True, slots=True)
class JobSummary:
    """One job of a list: what `JobRecord` tells, without its body, its result and its attempts."""

    id: int
    queue: str
    task: str
    state: State
    attempt: int
    max_attempts: int
    priority: int
    enqueued_at: datetime
    run_at: datetime | None
    claimed_at: datetime | None
    expires_at: datetime | None
    worker: int | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs of a list, in its order.

    next: where the next page begins, for `after`; None at the end. A page with few jobs, even with
    none, may have a next one: one look is bounded, however rare what is looked for.
    """

    jobs: tuple[JobSummary, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that will not be tried again, with its whole story.

    error: of the last attempt: {"type", "message", "traceback"}. attempts: oldest first.
    """

    id: int
    queue: str
    task: str
    payload: dict[str, Any]
    headers: dict[str, Any] | None
    priority: int
    max_attempts: int
    attempt: int
    died_at: datetime
    error: dict[str, Any] | None
    attempts: tuple[Attempt, ...]


class DeadPlace(NamedTuple):
    """Where a page of dead letters ended; the last letter of it is such a place, too."""

    died_at: datetime
    id: int
