"""What commands print: tables for people, JSON for programs; it must never cut off an id."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table

from pgqueue import Attempt, DeadLetter, JobRecord, JobSummary

PIPED_WIDTH = 200  # a file has no width of its own
WHOLE = frozenset({"payload", "headers", "attempts"})  # not told of what stands in a list


def console() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False, markup=False)


def stderr_console() -> Console:
    """Standard error, for what is not the answer."""
    return Console(stderr=True, highlight=False, markup=False)


def print_json(value: object) -> None:
    """Exactly one JSON value."""
    print(json.dumps(to_jsonable_python(value), indent=2, ensure_ascii=False))


def as_data(found: JobRecord) -> dict[str, Any]:
    """A job's record for JSON: its ids are strings, for 64 bits are more than JavaScript can count."""
    data = with_text_ids(asdict(found))
    data["attempts"] = [with_text_ids(attempt) for attempt in data["attempts"]]
    return data


def as_line(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter of a list for JSON, without what only `dead show` tells."""
    return {name: value for name, value in with_text_ids(asdict(letter)).items() if name not in WHOLE}


def with_text_ids(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same with `id` and `worker` as text."""
    return {
        key: str(value) if key in {"id", "worker"} and value is not None else value
        for key, value in data.items()
    }


def print_jobs(jobs: Iterable[JobSummary]) -> None:
    """Jobs of a list, one a row."""
    table = Table(
        "id", "state", "queue", "task", "prio", "attempts", "enqueued", "", box=None, pad_edge=False
    )
    table.columns[0].no_wrap = True
    for job in jobs:
        table.add_row(
            str(job.id),
            job.state,
            job.queue,
            job.task,
            str(job.priority),
            f"{job.attempt}/{job.max_attempts}",
            local(job.enqueued_at),
            latest(job),
        )
    console().print(table)


def latest(job: JobSummary) -> str:
    """The moment that says most of a job in its state."""
    if job.finished_at is not None:
        return f"ended {local(job.finished_at)}"
    if job.claimed_at is not None:
        return f"claimed {local(job.claimed_at)}"
    return "" if job.run_at is None else f"not before {local(job.run_at)}"


def print_letters(letters: Iterable[DeadLetter]) -> None:
    """Dead letters, one a row."""
    table = Table("id", "died", "queue", "task", "attempts", "error", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for letter in letters:
        table.add_row(
            str(letter.id),
            local(letter.died_at),
            letter.queue,
            letter.task,
            f"{letter.attempt}/{letter.max_attempts}",
            error_line(letter.error),
        )
    console().print(table)


def print_record(record: JobRecord) -> None:
    """Everything known of one job."""
    out = console()
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in facts_of(record).items():
        facts.add_row(name, value)
    out.print(facts)
    for attempt in record.attempts:
        out.print()
        out.print(attempt_line(attempt), style="bold")
        error = attempt.error or {}
        if text := error.get("traceback") or error.get("message"):
            out.print(text.rstrip(), soft_wrap=True)


def facts_of(record: JobRecord) -> dict[str, str]:
    """What there is to tell of a job, in the order it is told."""
    told = {
        "id": record.id,
        "state": record.state,
        "queue": record.queue,
        "task": record.task,
        "priority": record.priority,
        "attempt": f"{record.attempt} of {record.max_attempts}",
        "enqueued": record.enqueued_at,
        "not before": record.run_at,
        "claimed": record.claimed_at,
        "lease until": record.expires_at,
        "worker": record.worker,
        "ended": record.finished_at,
        "progress": None
        if record.progress is None
        else f"{record.progress:.0%} {record.note or ''}".rstrip(),
        "payload": json.dumps(record.payload, ensure_ascii=False),
        "headers": json.dumps(record.headers, ensure_ascii=False) if record.headers else None,
        "result": None if record.result is None else json.dumps(record.result, ensure_ascii=False),
        "error": error_line(record.error) or None,
    }
    return {name: shown(value) for name, value in told.items() if value is not None}


def attempt_line(attempt: Attempt) -> str:
    """One attempt in one line."""
    lasted = "" if attempt.run_seconds is None else f" after {timedelta(seconds=attempt.run_seconds)}"
    return f"attempt {attempt.number}: {attempt.state}{lasted}, {local(attempt.finished_at)}"


def error_line(error: Mapping[str, Any] | None) -> str:
    """Type and message of an error, on one line."""
    return " ".join(f"{error['type']}: {error['message']}".split()) if error else ""


def shown(value: object) -> str:
    """A fact as text; moments in local time."""
    return local(value) if isinstance(value, datetime) else str(value)


def local(moment: datetime) -> str:
    """A moment in the reader's own time zone, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
