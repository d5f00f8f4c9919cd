"""What handlers did, as they say it themselves: lines appended to one file by all workers.

A line is one write, so it is there whole or not at all, however its writer dies. It must
never be buffered, nor tell the time by a clock that may be struck.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pgqueue import current_job

EXECUTIONS = "CHAOS_EXECUTIONS"


@dataclass(frozen=True, slots=True)
class Execution:
    """One line. what: began, ended, raised or stopped. at: seconds of the machine's steady clock."""

    what: str
    key: int
    job: int
    attempt: int
    claim: int
    process_id: int
    at: float


@contextmanager
def execution(key: int) -> Iterator[None]:
    """Tell the beginning and the end of the handler inside."""
    append("began", key)
    try:
        yield
    except Exception:
        append("raised", key)
        raise
    except BaseException:
        append("stopped", key)
        raise
    append("ended", key)


def append(what: str, key: int) -> None:
    """One line, in one write."""
    held = current_job().delivery
    line = f"{what} {key} {held.id} {held.attempt} {held.claim} {os.getpid()} {time.monotonic():.3f}\n"
    number = os.open(os.environ[EXECUTIONS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(number, line.encode())
    finally:
        os.close(number)


def executions(path: Path) -> dict[int, list[Execution]]:
    """Every line by the job's key, oldest first."""
    found: dict[int, list[Execution]] = defaultdict(list)
    if path.exists():
        for line in path.read_text().splitlines():
            what, key, job, attempt, claim, process_id, at = line.split()
            found[int(key)].append(
                Execution(what, int(key), int(job), int(attempt), int(claim), int(process_id), float(at))
            )
    return found
