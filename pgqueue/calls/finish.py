"""Finishing: how claimed jobs ended, one by one or whole leases at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pgqueue.calls.call import Call, Row, call, column, function, nothing

FINISH = function(
    "finish",
    claims="bigint[]",
    jobs="bigint[]",
    states="text[]",
    delays="interval[]",
    run_seconds="real[]",
    errors="jsonb[]",
    results="jsonb[]",
)
FINISH_ALL = function("finish_all", claims="bigint[]", offsets="integer[]", run_seconds="real[]")
COMPLETE = function("complete", claim="bigint", job="bigint", run_seconds="real", result="jsonb")

Ended = Literal["succeeded", "failed", "dead", "cancelled", "returned"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How one delivery ended.

    state: succeeded; failed (tried again after `delay` if an attempt is left);
        dead; cancelled; returned (not run: back after `delay`, attempt given back).
    error: {"type", "message", "traceback"}. result: JSON text, or None to keep nothing.
    """

    claim: int
    job: int
    state: Ended = "succeeded"
    delay: timedelta | None = None
    run_seconds: float | None = None
    error: dict[str, Any] | None = None
    result: str | None = None


def finish(endings: Sequence[Ending]) -> Call[list[tuple[int, int]]]:
    """Report how these deliveries ended. Returns (claim, job) of those whose lease was lost."""
    values = {
        "claims": [ending.claim for ending in endings],
        "jobs": [ending.job for ending in endings],
        "states": [ending.state for ending in endings],
        "delays": [ending.delay for ending in endings],
        "run_seconds": [ending.run_seconds for ending in endings],
        "errors": [json.dumps(ending.error) if ending.error else None for ending in endings],
        "results": [ending.result for ending in endings],
    }
    return call(FINISH, values, pairs)


def finish_all(
    claims: Sequence[int],
    offsets: Sequence[int] | None = None,
    run_seconds: Sequence[float] | None = None,
) -> Call[list[int]]:
    """All that these claims still hold has succeeded. Returns the claims that were still held.

    run_seconds: of the jobs of the first claim, in its order, then of the second, ...;
    offsets: how many stand before each claim's first.
    """
    values = {
        "claims": list(claims),
        "offsets": list(offsets) if offsets is not None else None,
        "run_seconds": list(run_seconds) if run_seconds is not None else None,
    }
    return call(FINISH_ALL, values, column)


def complete(
    claim: int, job: int, *, run_seconds: float | None = None, result: str | None = None
) -> Call[None]:
    """Finish one job inside the caller's transaction. Raises LeaseLost if it is not ours."""
    values = {"claim": claim, "job": job, "run_seconds": run_seconds, "result": result}
    return call(COMPLETE, values, nothing)


def pairs(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The rows as (claim, job)."""
    return [(row[0], row[1]) for row in rows]
