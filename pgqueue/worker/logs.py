"""Which job a log line is about: on every line that a handler, or what it calls, writes.

It must never keep a line from being logged.
"""

import logging

from pgqueue.worker.running_job import current_job


class JobOnLine(logging.Filter):
    """For a logging handler: gives each record `job`, `attempt`, `task` and `queue`, None outside a job.

    `about` is the same as text to put before a message, empty outside.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let it through, with those names on it."""
        try:
            held = current_job().delivery
        except LookupError:
            record.job = record.attempt = record.task = record.queue = None
            record.about = ""
        else:
            record.job, record.attempt = str(held.id), held.attempt
            record.task, record.queue = held.task, held.queue
            record.about = f"[job {held.id} attempt {held.attempt}] "
        return True
