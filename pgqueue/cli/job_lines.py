"""Jobs as lines of JSON, one object a line; it must never hold more than one line, nor talk to a database."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pgqueue import job_fields
from pgqueue.calls.enqueue import check_size
from pgqueue.errors import InvalidJob
from pgqueue.job import Job
from pgqueue.job_fields import JobFields
from pgqueue.settings import PAYLOAD_LIMIT_BYTES

LONGEST_LINE_BYTES = 8 * PAYLOAD_LIMIT_BYTES  # a payload at its limit fits in, however its text is escaped
SHOWN_VALUE = 60  # characters of a wrong value that are shown
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BadLine(Exception):
    """A line that is no job; the message names the field, the value and the bound."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank: its number, from 1, and its text, or where it is too long what was read."""

    number: int
    text: bytes

    @property
    def is_too_long(self) -> bool:
        """Whether there was more of it than is read."""
        return len(self.text) > LONGEST_LINE_BYTES


def lines_of(stream: BinaryIO) -> Iterator[Line]:
    """The lines that are not blank. What is too long is passed over, never held."""
    number = 0
    while text := stream.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        ending = text
        while len(ending) > LONGEST_LINE_BYTES and not ending.endswith(b"\n"):
            ending = stream.readline(LONGEST_LINE_BYTES + 1)
        if number == 1:
            text = text.removeprefix(BYTE_ORDER_MARK)
        if text.strip():
            yield Line(number, text.rstrip(b"\r\n"))


def job_of(line: Line) -> Job:
    """The job a line tells. Raises BadLine."""
    if line.is_too_long:
        raise BadLine(f"longer than {LONGEST_LINE_BYTES} bytes: store the data elsewhere, pass a reference")
    try:
        fields = JobFields.model_validate_json(line.text)
    except ValidationError as error:
        raise BadLine("; ".join(fault(entry) for entry in error.errors(include_url=False))) from error
    try:
        job = job_fields.job_of(fields)
        check_size(job, PAYLOAD_LIMIT_BYTES)
    except InvalidJob as error:
        raise BadLine(str(error)) from error
    return job


def fault(entry: ErrorDetails) -> str:
    """One thing that is wrong with a line: where, why, and the value seen."""
    if entry["type"] == "json_invalid":
        return entry["msg"].replace("line 1 column", "column").replace("Invalid JSON", "not JSON")
    place = ".".join(map(str, entry["loc"]))
    if entry["type"] == "extra_forbidden":
        return f"unknown field {place!r}: a line has {', '.join(JobFields.model_fields)}"
    if entry["type"] == "missing":
        return f"{place} is missing"
    if entry["type"] == "value_error":  # ours: it names the value
        return f"{place}: {entry['ctx']['error']}"
    reason = entry["msg"].replace("Input should", "should")
    return f"{place or 'the line'} {reason}, not {shown(entry['input'])}"


def shown(value: object) -> str:
    """The value, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}..."
