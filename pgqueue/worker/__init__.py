"""The worker: claims jobs, runs their handlers, reports how they ended."""

from pgqueue.worker.logs import JobOnLine
from pgqueue.worker.running_job import RunningJob, current_job
from pgqueue.worker.worker import Worker

__all__ = ["JobOnLine", "RunningJob", "Worker", "current_job"]
