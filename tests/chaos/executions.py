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

from pgqueue import Delivery, current_job

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


class Account:
    """The file they all write to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, what: str, key: int, held: Delivery) -> None:
        """One line, in one write."""
        line = f"{what} {key} {held.id} {held.attempt} {held.claim} {os.getpid()} {time.monotonic():.3f}\n"
        number = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(number, line.encode())
        finally:
            os.close(number)


@contextmanager
def execution(key: int) -> Iterator[None]:
    """Tell the beginning and the end of the handler inside."""
    account, held = Account(Path(os.environ[EXECUTIONS])), current_job().delivery
    account.append("began", key, held)
    try:
        yield
    except Exception:
        account.append("raised", key, held)
        raise
    except BaseException:
        account.append("stopped", key, held)
        raise
    account.append("ended", key, held)


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
