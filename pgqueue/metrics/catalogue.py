"""Every metric there is: its name, kind, labels and meaning stand here and nowhere else.

A label must never hold what there is no end of: queues, tasks and words of ours, no job's id.
"""

from dataclasses import dataclass
from typing import Literal

# Seconds: from a job that only counts to one that computes for half an hour.
QUICK = (*(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5), *(1, 2.5, 5, 10, 30, 60, 300, 1800))
FEW = (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0)

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    bounds: of a histogram's buckets, without the last, which has none.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


UP = Metric("pgqueue_up", "gauge", "1 if the exporter reached the database and it answered lately, else 0.")
SAMPLE_SECONDS = Metric("pgqueue_sample_seconds", "gauge", "How long the last sample took.")
SAMPLE_AGE = Metric("pgqueue_sample_age_seconds", "gauge", "How long ago it was taken.")
QUEUE_JOBS = Metric(
    "pgqueue_queue_jobs", "gauge", "Jobs waiting, scheduled, running or dead.", ("queue", "state")
)
QUEUE_JOBS_ESTIMATED = Metric(
    "pgqueue_queue_jobs_estimated",
    "gauge",
    "1 if that number is an estimate, 0 if it was counted.",
    ("queue", "state"),
)
OLDEST_AGE = Metric(
    "pgqueue_queue_oldest_job_age_seconds",
    "gauge",
    "How long the longest waiting job could have run already; 0 if none waits.",
    ("queue",),
)
QUEUE_PAUSED = Metric("pgqueue_queue_paused", "gauge", "1 if the queue is paused.", ("queue",))
QUEUE_WORKERS = Metric("pgqueue_queue_workers", "gauge", "Living workers that serve the queue.", ("queue",))
WORKERS = Metric("pgqueue_workers", "gauge", "Workers that have joined, alive or missing.", ("state",))
SLOTS = Metric("pgqueue_slots", "gauge", "How many jobs the living workers run at once, together.")
BUSY_SLOTS = Metric("pgqueue_busy_slots", "gauge", "How many they run, as far as the database can tell.")
ENQUEUED = Metric(
    "pgqueue_jobs_enqueued_total",
    "counter",
    "Jobs enqueued since the exporter started, by the server's statistics, which lag some seconds and"
    " count rows: how many jobs share one is estimated.",
)
CLAIMS = Metric("pgqueue_claims_total", "counter", "Batches of jobs claimed, by the same.")
ENDED = Metric(
    "pgqueue_attempts_ended_total", "counter", "Attempts ended, those handed back included, by the same."
)
DIED = Metric("pgqueue_jobs_died_total", "counter", "Jobs that became dead letters, by the same.")
RELATION_SIZE = Metric(
    "pgqueue_relation_size_bytes", "gauge", "A table with its partitions, indexes and all.", ("relation",)
)
PARTITIONS = Metric("pgqueue_partitions", "gauge", "Partitions of a table.", ("relation",))
PARTITION_AHEAD = Metric(
    "pgqueue_partition_ahead_seconds",
    "gauge",
    "How far from now on partitions are made without a gap.",
    ("relation",),
)
PARTITION_WINDOW = Metric(
    "pgqueue_partition_window_seconds", "gauge", "How long the newest partition's window is.", ("relation",)
)
HORIZON_AGE = Metric(
    "pgqueue_horizon_age_seconds",
    "gauge",
    "Age of the oldest transaction that keeps vacuum from clearing up; 0 if there is none.",
    ("kind",),
)
HORIZON_TRANSACTIONS = Metric(
    "pgqueue_horizon_age_transactions",
    "gauge",
    "The same as transactions begun since, replication slots and standbys included.",
    ("kind",),
)

INSTALLATION = (
    UP,
    SAMPLE_SECONDS,
    SAMPLE_AGE,
    QUEUE_JOBS,
    QUEUE_JOBS_ESTIMATED,
    OLDEST_AGE,
    QUEUE_PAUSED,
    QUEUE_WORKERS,
    WORKERS,
    SLOTS,
    BUSY_SLOTS,
    ENQUEUED,
    CLAIMS,
    ENDED,
    DIED,
    RELATION_SIZE,
    PARTITIONS,
    PARTITION_AHEAD,
    PARTITION_WINDOW,
    HORIZON_AGE,
    HORIZON_TRANSACTIONS,
)
"""What the exporter tells of a whole installation."""

WORKER_STARTED = Metric(
    "pgqueue_worker_attempts_started_total", "counter", "Attempts started.", ("queue", "task")
)
WORKER_ENDED = Metric(
    "pgqueue_worker_attempts_ended_total",
    "counter",
    "Attempts ended: succeeded, retried (failed, to be tried again), dead (failed for good), cancelled,"
    " returned (handed back unspent).",
    ("queue", "task", "outcome"),
)
RUN_SECONDS = Metric("pgqueue_worker_run_seconds", "histogram", "How long attempts ran.", ("task",), QUICK)
JOB_ATTEMPTS = Metric(
    "pgqueue_worker_job_attempts",
    "histogram",
    "In which attempt jobs succeeded or died.",
    ("task",),
    FEW,
)
PICKUP_SECONDS = Metric(
    "pgqueue_worker_pickup_seconds",
    "histogram",
    "From when a job could run until a worker claimed it, by the database's clock.",
    ("queue",),
    QUICK,
)
JOBS_LOST = Metric("pgqueue_worker_jobs_lost_total", "counter", "Jobs whose lease was lost.")
WORKER_CLAIMS = Metric(
    "pgqueue_worker_claims_total",
    "counter",
    "Claims made: they found jobs, or nothing.",
    ("found",),
)
WAKEUPS = Metric("pgqueue_worker_wakeups_total", "counter", "Notifications that were a reason to look.")
RECONNECTS = Metric("pgqueue_worker_reconnects_total", "counter", "Lost connections made again.")
WORKER_SLOTS = Metric("pgqueue_worker_slots", "gauge", "How many jobs it runs at once.")
WORKER_BUSY_SLOTS = Metric("pgqueue_worker_busy_slots", "gauge", "How many it runs now.")
WORKER_HELD = Metric("pgqueue_worker_held_jobs", "gauge", "Jobs it holds, running or about to.")
WORKER_PROCESSES = Metric("pgqueue_worker_processes", "gauge", "Processes these numbers are of.")

WORKER = (
    WORKER_STARTED,
    WORKER_ENDED,
    RUN_SECONDS,
    JOB_ATTEMPTS,
    PICKUP_SECONDS,
    JOBS_LOST,
    WORKER_CLAIMS,
    WAKEUPS,
    RECONNECTS,
    WORKER_SLOTS,
    WORKER_BUSY_SLOTS,
    WORKER_HELD,
    WORKER_PROCESSES,
)
"""What a worker tells of itself."""

BY_NAME = {metric.name: metric for metric in (*INSTALLATION, *WORKER)}
