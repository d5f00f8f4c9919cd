"""pgqueue: a job queue in your PostgreSQL. Enqueue in your own transaction, work it, retry it, bury it.

What is named in `__all__` is public; the rest may change.
"""

from pgqueue.async_client import AsyncClient
from pgqueue.backoff import Backoff, Exponential, Fixed
from pgqueue.calls.activity import Activity, End, Ended
from pgqueue.calls.settings import InstallationSettings
from pgqueue.calls.stats import HorizonHolder, QueueStats, RelationStats, WorkerStats
from pgqueue.client import Client
from pgqueue.delivery import Delivery, Lease
from pgqueue.errors import (
    InvalidJob,
    InvalidPayload,
    InvalidSetting,
    LeaseLost,
    MissingExtra,
    NoConnection,
    NoResultYet,
    NotInstalled,
    PayloadTooLarge,
    PgQueueError,
    ResultNotSerializable,
    SchemaMismatch,
    UnknownJob,
    UnknownKey,
    UnknownTask,
    UnsupportedConnection,
    WrongInstallation,
)
from pgqueue.job import Job
from pgqueue.maintenance import Maintenance
from pgqueue.metrics.worker import WorkerMetrics
from pgqueue.outcomes import Cancel, Dead, Retry, Snooze
from pgqueue.record import Attempt, DeadLetter, DeadPlace, JobPage, JobRecord, JobSummary
from pgqueue.sealing import Keyring
from pgqueue.settings import WorkerSettings
from pgqueue.stats import Stats
from pgqueue.task import Task, task
from pgqueue.tracing import Tracing
from pgqueue.worker import JobOnLine, RunningJob, Worker, current_job

__all__ = [
    "Activity",
    "AsyncClient",
    "Attempt",
    "Backoff",
    "Cancel",
    "Client",
    "Dead",
    "DeadLetter",
    "DeadPlace",
    "Delivery",
    "End",
    "Ended",
    "Exponential",
    "Fixed",
    "HorizonHolder",
    "InstallationSettings",
    "InvalidJob",
    "InvalidPayload",
    "InvalidSetting",
    "Job",
    "JobOnLine",
    "JobPage",
    "JobRecord",
    "JobSummary",
    "Keyring",
    "Lease",
    "LeaseLost",
    "Maintenance",
    "MissingExtra",
    "NoConnection",
    "NoResultYet",
    "NotInstalled",
    "PayloadTooLarge",
    "PgQueueError",
    "QueueStats",
    "RelationStats",
    "ResultNotSerializable",
    "Retry",
    "RunningJob",
    "SchemaMismatch",
    "Snooze",
    "Stats",
    "Task",
    "Tracing",
    "UnknownJob",
    "UnknownKey",
    "UnknownTask",
    "UnsupportedConnection",
    "Worker",
    "WorkerMetrics",
    "WorkerSettings",
    "WorkerStats",
    "WrongInstallation",
    "current_job",
    "task",
]
