"""A job as a JSON object, from a file's line or a request; it must never hold what jsonb cannot."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticSerializationError, to_json

from pgqueue.durations import duration
from pgqueue.errors import InvalidPayload
from pgqueue.job import DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, DEFAULT_QUEUE, LONGEST, Job
from pgqueue.json_text import faults, is_suspect

DATE = re.compile("[0-9]{4}-")


def spelled_duration(value: Any) -> Any:
    """A duration as seconds, or as people type it."""
    if isinstance(value, str):
        return duration(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return timedelta(seconds=value) if is_number else value
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{value} seconds are longer than can be counted") from error


def spelled_moment(value: Any) -> Any:
    """A moment as text that begins with a date; a number would be taken for seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and DATE.match(value)):
        return value
    raise ValueError(f"{value!r} is no moment: write it with its zone, such as 2030-01-31T12:00:00Z")


def whole(value: Any) -> Any:
    """A whole number as JSON may write it, 6.0 too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


LONGEST_SECONDS = int(LONGEST.total_seconds())
PROMISED = r"^[1-9][0-9]{0,3}(?:ms|s|m|h|d)(?:[0-9]{1,4}(?:ms|s|m|h|d)){0,4}$"  # never above LONGEST
Duration = Annotated[
    timedelta,
    BeforeValidator(spelled_duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0.001, "maximum": LONGEST_SECONDS},
                {"type": "string", "pattern": PROMISED, "examples": ["1h30m"]},
            ]
        }
    ),
]
Whole = Annotated[int, BeforeValidator(whole)]
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(spelled_moment)]


GIVEN: JsonDict = {"not": {"type": "null"}}
BOTH_TIMES: JsonDict = {
    "required": ["delay", "run_at"],
    "properties": {"delay": GIVEN, "run_at": GIVEN},
}


class JobFields(BaseModel):
    """What is said of a job. `Job` keeps the bounds; the schema only tells them.

    delay, timeout: seconds, or text such as "1h30m".
    """

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"not": BOTH_TIMES})

    task: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": 255})]
    queue: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": 63})] = DEFAULT_QUEUE
    payload: dict[str, Any] = {}
    priority: Annotated[Whole, Field(json_schema_extra={"minimum": 0, "maximum": 9})] = DEFAULT_PRIORITY
    max_attempts: Annotated[Whole, Field(json_schema_extra={"minimum": 1, "maximum": 30_000})] = (
        DEFAULT_MAX_ATTEMPTS
    )
    delay: Duration | None = None
    run_at: Moment | None = None
    timeout: Duration | None = None
    headers: dict[str, str] | None = None
    keep_result: bool = False


def job_of(fields: JobFields) -> Job:
    """The job they tell. Raises InvalidJob or InvalidPayload, naming the field, the value and the bound."""
    return Job(**dict(fields) | {"payload": payload_json(fields.payload)})


def payload_json(payload: dict[str, Any]) -> str:
    """The payload as text that jsonb can hold. Raises InvalidPayload."""
    try:
        text = to_json(payload).decode()
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise InvalidPayload(f"the payload cannot be written as JSON: {error}") from error
    if is_suspect(text):
        for path, reason in faults(payload):
            raise InvalidPayload(f"payload.{path} {reason}")
    return text
