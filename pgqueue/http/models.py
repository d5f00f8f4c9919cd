"""What requests and answers hold; an id is never a number in it, for JavaScript's end at 53 bits."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from pgqueue.job_fields import JobFields, Moment, whole
from pgqueue.record import State

T = TypeVar("T")

LARGEST_ID = 2**63 - 1  # which no job has: what is beyond is taken for it
DIGITS = "^[0-9]{1,19}$"
MOST_JOBS = 10_000  # in one request
MOST_ON_PAGE = 500
LONGEST_CURSOR = 500  # a queue's name may stand in it

WITHOUT_NUL = r"^[^\u0000]*$"  # which PostgreSQL's text cannot hold

AskedId = Annotated[str, Field(pattern=DIGITS, examples=["95727019605622785"])]
Id = Annotated[int, PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})]
Seconds = Annotated[
    timedelta, PlainSerializer(timedelta.total_seconds, return_type=float), WithJsonSchema({"type": "number"})
]


def id_of(text: str) -> int:
    """The job's id that a request names."""
    return min(int(text), LARGEST_ID)


class Answer(BaseModel):
    """Read off one of pgqueue's own values."""

    model_config = ConfigDict(from_attributes=True)


class AttemptAnswer(Answer):
    """How one attempt ended: succeeded, failed, expired, dead or cancelled."""

    number: int
    state: str
    claimed_at: datetime
    finished_at: datetime
    worker: Id | None
    run_seconds: float | None
    error: Any


class JobAnswer(Answer):
    """One job, whatever state it is in.

    attempt: the one under way or last made; 0 before the first. progress: 0 to 1.
    has_ended: whether nothing more will happen to it by itself.
    """

    id: Id
    queue: str
    task: str
    state: State
    has_ended: bool
    attempt: int
    max_attempts: int
    priority: int
    enqueued_at: datetime
    run_at: datetime | None
    claimed_at: datetime | None
    expires_at: datetime | None
    worker: Id | None
    finished_at: datetime | None
    payload: Any
    headers: Any
    result: Any
    error: Any
    attempts: list[AttemptAnswer]
    progress: float | None
    note: str | None


class JobLine(Answer):
    """One job of a list; the rest is told by /v1/jobs/ID."""

    id: Id
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
    worker: Id | None
    finished_at: datetime | None


class DeadLine(Answer):
    """A job that will not be tried again, and its last error; the rest is told by /v1/jobs/ID."""

    id: Id
    queue: str
    task: str
    priority: int
    max_attempts: int
    attempt: int
    died_at: datetime
    error: Any


class Page(BaseModel, Generic[T]):
    """Part of a list. next: the `cursor` of the following page, null after the last.

    A page with few items, even with none, may have a next one: one look is bounded.
    """

    items: list[T]
    next: str | None


class Enqueued(BaseModel):
    """The id of the job that was enqueued."""

    id: Id


class Ids(BaseModel):
    """Ids of jobs."""

    ids: list[Id]


class ManyJobs(BaseModel):
    """Jobs to enqueue, all or none."""

    model_config = ConfigDict(extra="forbid")

    jobs: Annotated[list[JobFields], Field(max_length=MOST_JOBS)]


class ChosenJobs(BaseModel):
    """Jobs, by their ids."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[AskedId], Field(min_length=1, max_length=MOST_JOBS)]


class Reprioritised(ChosenJobs):
    """Jobs, and their new priority: 0 (most urgent) to 9."""

    priority: Annotated[int, Field(strict=True, ge=0, le=9), BeforeValidator(whole)]


class JobQuery(BaseModel):
    """Which jobs, and where to go on: a cursor is the `next` of a page with the same filters."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    queue: Annotated[str | None, Field(max_length=63, pattern=WITHOUT_NUL)] = None
    task: Annotated[str | None, Field(max_length=255, pattern=WITHOUT_NUL)] = None
    enqueued_since: Moment | None = None
    enqueued_before: Moment | None = None
    cursor: Annotated[str | None, Field(max_length=LONGEST_CURSOR)] = None
    limit: Annotated[int, Field(ge=1, le=MOST_ON_PAGE)] = 100


class DeadFilter(BaseModel):
    """What dead letters must be like; without any, all fit."""

    model_config = ConfigDict(extra="forbid")

    queue: Annotated[str | None, Field(max_length=63, pattern=WITHOUT_NUL)] = None
    task: Annotated[str | None, Field(max_length=255, pattern=WITHOUT_NUL)] = None
    error_type: Annotated[str | None, Field(max_length=255, pattern=WITHOUT_NUL)] = None
    died_since: Moment | None = None
    died_before: Moment | None = None


class DeadQuery(DeadFilter):
    """Which dead letters, and where to go on: a cursor is the `next` of a page."""

    cursor: Annotated[str | None, Field(max_length=LONGEST_CURSOR)] = None
    limit: Annotated[int, Field(ge=1, le=MOST_ON_PAGE)] = 100


class Done(BaseModel):
    """The jobs it was done to. more: some may be left, for there were too many for one request."""

    ids: list[Id]
    more: bool


class ChosenWorker(BaseModel):
    """A worker, by its id."""

    model_config = ConfigDict(extra="forbid")

    worker: AskedId


class ChosenQueue(BaseModel):
    """A queue, by its name."""

    model_config = ConfigDict(extra="forbid")

    queue: Annotated[str, Field(min_length=1, max_length=63, pattern=WITHOUT_NUL)]


class Cancellation(BaseModel):
    """Why a job is cancelled; kept with it."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str | None, Field(max_length=1000, pattern=WITHOUT_NUL)] = None


class Cancelled(BaseModel):
    """The state the job was found in: one that is running is told, one that has ended stays as it is."""

    found: State


class QueueAnswer(Answer):
    """What a queue holds.

    waiting: could run now; by_priority: of these, in each priority from 0 to 9, then held apart.
    oldest_age: how many seconds the longest waiting one could have run already.
    estimated: the names of those numbers that are estimates.
    """

    queue: str
    paused_at: datetime | None
    waiting: int
    scheduled: int
    running: int
    dead: int
    by_priority: list[int]
    oldest_age: Seconds | None
    estimated: Annotated[list[str], BeforeValidator(sorted)]


class WorkerAnswer(Answer):
    """A worker that has joined: how many jobs it runs at once, whether it lives, and what it holds."""

    id: Id
    started_at: datetime
    host: str
    process_id: int
    version: str
    queues: list[str]
    concurrency: int | None
    is_alive: bool
    claims: int
    jobs: int
    busy: int
    paused_at: datetime | None


class RelationAnswer(Answer):
    """One table, or one partition of a table; low and high are its window.

    inserted: rows. density: how many jobs a row tells of, on the average of those lately written.
    """

    relation: str
    partition: str
    low: datetime | None
    high: datetime | None
    size_bytes: int
    inserted: int
    density: float


class HorizonAnswer(Answer):
    """What keeps vacuum from clearing up; not its query, which may be anybody's."""

    kind: str
    pid: int | None
    name: str
    state: str | None
    age: Seconds | None
    transactions: int


class StatsAnswer(Answer):
    """What the installation holds."""

    queues: list[QueueAnswer]
    workers: list[WorkerAnswer]
    relations: list[RelationAnswer]
    horizon: list[HorizonAnswer]


class EndAnswer(Answer):
    """One attempt that has ended; queue and task are null once the job's body is gone."""

    job_id: Id
    queue: str | None
    task: str | None
    finished_at: datetime
    worker: Id | None
    attempt: int
    state: str
    run_seconds: float | None
    error_type: str | None


class EndedAnswer(Answer):
    """How attempts ended. run_mean, run_p95: seconds; rates: attempts a second, over the last ten.

    success_rate: the share of those that succeeded or did not; null of none.
    """

    succeeded: int
    failed: int
    expired: int
    dead: int
    cancelled: int
    run_mean: float | None
    run_p95: float | None
    succeeded_rate: float
    failed_rate: float
    success_rate: float | None


class ActivityAnswer(Answer):
    """What went on from `since` until `moment`. enqueued_rate: jobs a second."""

    moment: datetime
    since: datetime
    total: EndedAnswer
    by_worker: dict[int, EndedAnswer]
    enqueued_rate: float


class Health(BaseModel):
    """That all is well."""

    status: str
