"""Tests of jobs as lines of JSON: what a line may say, and how a wrong one is told."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from pgqueue import Job
from pgqueue.cli import job_lines
from pgqueue.cli.job_lines import BadLine, Line, job_of, lines_of


def test_a_line_needs_no_more_than_a_task() -> None:
    assert job_of(Line(1, b'{"task": "tasks.send"}')) == Job(task="tasks.send", payload="{}")


def test_a_line_may_say_everything_a_job_has() -> None:
    text = b"""{"task": "tasks.send", "queue": "email", "payload": {"to": "\xc3\xa9"}, "priority": 0.0,
        "max_attempts": 3, "run_at": "2030-01-31T12:00:00Z", "timeout": "1h30m", "headers": {"trace": "abc"},
        "keep_result": true}"""

    assert job_of(Line(1, text)) == Job(
        task="tasks.send",
        queue="email",
        payload='{"to":"\xe9"}',
        priority=0,
        max_attempts=3,
        run_at=datetime(2030, 1, 31, 12, tzinfo=UTC),
        timeout=timedelta(minutes=90),
        headers={"trace": "abc"},
        keep_result=True,
    )


@pytest.mark.parametrize("delay", ["90", "1.5e2", '"2m30s"'])
def test_durations_are_seconds_or_text(delay: str) -> None:
    job = job_of(Line(1, f'{{"task": "t", "delay": {delay}}}'.encode()))

    assert job.delay in {timedelta(seconds=90), timedelta(seconds=150)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "not JSON: EOF while parsing an object at column 1"),
        (b"\xff", "not JSON: expected value at column 1"),
        (b"[1, 2]", "the line should be an object, not [1, 2]"),
        (b'{"queue": "email"}', "task is missing"),
        (b'{"task": 7}', "task should be a valid string, not 7"),
        (b'{"task": "t", "priorty": 1}', "unknown field 'priorty': a line has task, queue, payload"),
        (b'{"task": "t", "payload": [1]}', "payload should be an object, not [1]"),
        (b'{"task": "t", "priority": "high"}', "priority should be a valid integer, not 'high'"),
        (b'{"task": "t", "priority": true}', "priority should be a valid integer, not True"),
        (b'{"task": "t", "priority": 10}', "priority 10 is not a whole number from 0 to 9"),
        (b'{"task": "t", "delay": "soon"}', "delay: 'soon' is not a duration"),
        (b'{"task": "t", "delay": 1e300}', "delay: 1e+300 seconds are longer than can be counted"),
        (b'{"task": "t", "delay": true}', "delay should be a valid duration, not True"),
        (b'{"task": "t", "delay": -1}', "delay -1 day, 23:59:59 is not zero or more"),
        (b'{"task": "t", "run_at": "2030-01-01T00:00:00"}', "run_at should have timezone info, not"),
        (b'{"task": "t", "headers": {"a": 1}}', "headers.a should be a valid string, not 1"),
        (b'{"task": "t", "payload": {"a": NaN}}', "payload.a is nan, for which JSON has no number"),
        (b'{"task": "t", "payload": {"a": "\\u0000"}}', "payload.a holds a NUL character"),
        (b'{"task": "t", "payload": {"a": "\\ud800"}}', "not JSON: "),
        (b'{"task": "'  + b"t" * 256 + b'"}', "is not a name of 1 to 255 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_the_value(text: bytes, reason: str) -> None:
    with pytest.raises(BadLine) as refused:
        job_of(Line(1, text))

    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_payload_over_the_limit_is_told_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lines, "PAYLOAD_LIMIT_BYTES", 10)

    with pytest.raises(BadLine, match="is 16 bytes of JSON text, the limit is 10"):
        job_of(Line(1, b'{"task": "t", "payload": {"a": "12345678"}}'))


def test_lines_keep_their_numbers_past_blank_ones() -> None:
    stream = io.BytesIO(b"\xef\xbb\xbf{}\r\n\n  \n[]")

    assert list(lines_of(stream)) == [Line(1, b"{}"), Line(4, b"[]")]


def test_a_line_without_end_is_passed_over_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lines, "LONGEST_LINE_BYTES", 100)

    first, second, third = lines_of(io.BytesIO(b"a" * 1000 + b"\n{}\n" + b"b" * 101))

    assert (second.number, second.text) == (2, b"{}")
    assert max(len(first.text), len(third.text)) == 101
    for line in (first, third):
        with pytest.raises(BadLine, match="longer than 100 bytes"):
            job_of(line)
