"""What went on lately: how attempts ended, how long they ran, how fast jobs come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pgqueue.calls.call import Call, Row, call, function
from pgqueue.delivery import utc

ACTIVITY = function("activity", period="interval").answering(
    is_total="boolean",
    worker="bigint",
    moment="timestamptz",
    since="timestamptz",
    succeeded="bigint",
    failed="bigint",
    expired="bigint",
    dead="bigint",
    cancelled="bigint",
    run_mean="double precision",
    run_p95="double precision",
    succeeded_rate="double precision",
    failed_rate="double precision",
    enqueued_rate="double precision",
)
LAST_ENDS = function("last_ends", max_ends="integer").answering(
    job_id="bigint",
    queue="text",
    task="text",
    finished_at="timestamptz",
    worker="bigint",
    attempt="smallint",
    state="text",
    run_seconds="real",
    error_type="text",
)

PERIOD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Ended:
    """How attempts ended within a period.

    failed: to be tried again; expired: their worker stopped answering; dead: not to be tried again.
    run_mean, run_p95: seconds; None where nothing ran. Rates: attempts a second, over the last ten.
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

    @property
    def success_rate(self) -> float | None:
        """The share of attempts that succeeded, of those that succeeded or did not; None of none."""
        tried = self.succeeded + self.failed + self.expired + self.dead
        return self.succeeded / tried if tried else None


@dataclass(frozen=True, slots=True)
class Activity:
    """What went on from `since` until `moment`, by the database's clock.

    since: later than asked for where there is more than is looked at. enqueued_rate: jobs a second.
    """

    moment: datetime
    since: datetime
    total: Ended
    by_worker: dict[int, Ended]
    enqueued_rate: float


@dataclass(frozen=True, slots=True)
class End:
    """One attempt that has ended; queue and task are None once the job's body is gone."""

    job_id: int
    queue: str | None
    task: str | None
    finished_at: datetime
    worker: int | None
    attempt: int
    state: str
    run_seconds: float | None
    error_type: str | None


def activity(period: timedelta = PERIOD) -> Call[Activity]:
    """What went on in the last `period`."""
    return call(ACTIVITY, {"period": period}, activity_of)


def last_ends(limit: int) -> Call[list[End]]:
    """The last attempts that ended, the newest first."""
    return call(LAST_ENDS, {"max_ends": limit}, lambda rows: [end_of(row) for row in rows])


def activity_of(rows: Sequence[Row]) -> Activity:
    """What the rows tell."""
    (total,) = (row for row in rows if row[0])
    by_worker = {row[1]: ended_of(row) for row in rows if not row[0]}
    return Activity(utc(total[2]), utc(total[3]), ended_of(total), by_worker, total[13])


def ended_of(row: Row) -> Ended:
    """The counts of one row."""
    return Ended(*row[4:13])


def end_of(row: Row) -> End:
    """One attempt."""
    return End(row[0], row[1], row[2], utc(row[3]), *row[4:])
