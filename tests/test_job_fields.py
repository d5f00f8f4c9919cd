"""Tests of jobs as JSON objects that Python has read already; tests/cli/test_job_lines.py has the text."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pgqueue import InvalidPayload, Job
from pgqueue.job_fields import JobFields, job_of


def nested(depth: int) -> dict[str, Any]:
    return {"in": nested(depth - 1)} if depth else {}


def test_every_option_of_a_job_can_be_said() -> None:
    assert set(JobFields.model_fields) == set(Job._fields)


def test_what_is_said_is_the_job() -> None:
    fields = {"task": "t", "payload": {"a": 1}, "timeout": "90s", "run_at": "2030-01-31T12:00:00Z"}

    job = job_of(JobFields.model_validate(fields))

    assert (job.payload, job.timeout) == ('{"a":1}', timedelta(seconds=90))


@pytest.mark.parametrize(
    "run_at", [1_900_000_000, "1900000000", True, ["2030-01-31T12:00:00Z"], "2030-01-31T12:00:00"]
)
def test_a_moment_is_text_with_its_zone(run_at: object) -> None:
    with pytest.raises(ValidationError):
        JobFields.model_validate({"task": "t", "run_at": run_at})


@pytest.mark.parametrize(
    "value",
    ["\ud800", "a\0b", float("nan"), 10**5000, nested(220), nested(600)],
    ids=["surrogate", "nul", "nan", "number", "deep", "deeper"],
)
def test_a_payload_that_jsonb_cannot_hold_is_refused(value: object) -> None:
    fields = JobFields.model_validate({"task": "t", "payload": {"a": value}})

    with pytest.raises(InvalidPayload):
        job_of(fields)
