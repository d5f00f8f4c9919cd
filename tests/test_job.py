"""Tests of jobs: bounds refused by name, options changed without touching the job they come from."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pgqueue import InvalidJob, Job, PayloadTooLarge, PgQueueError
from pgqueue.calls.enqueue import check_size
from pgqueue.job import LONGEST

NOW = datetime(2024, 1, 1, tzinfo=UTC)
NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - the mistake under test
BASE = Job(task="t", payload="{}")

OUT_OF_BOUNDS: list[tuple[dict[str, Any], str]] = [
    ({"queue": ""}, "queue '' is not a name of 1 to 63 characters"),
    ({"queue": "q" * 64}, "1 to 63"),
    ({"queue": "q\0"}, "none of them NUL"),
    ({"queue": "\ud800"}, "queue"),
    ({"queue": 7}, "queue 7"),
    ({"priority": -1}, "priority -1 is not a whole number from 0 to 9"),
    ({"priority": 10}, "priority 10"),
    ({"priority": 5.5}, "priority 5.5"),
    ({"priority": "5"}, "priority '5'"),
    ({"max_attempts": 0}, "max_attempts 0 is not a whole number from 1 to 30000"),
    ({"max_attempts": 30_001}, "max_attempts 30001"),
    ({"timeout": timedelta(0)}, "timeout 0:00:00 is not above zero"),
    ({"timeout": timedelta.max}, "timeout"),
    ({"delay": timedelta(microseconds=-1)}, "delay .* is not zero or more"),
    ({"delay": timedelta.max}, "at most 365000 days"),
    ({"run_at": NAIVE}, r"no time zone: give an aware datetime, such as 2024-01-01 00:00:00\+00:00"),
    ({"delay": timedelta(1), "run_at": NOW}, "both delay .* and run_at .* choose one"),
    ({"headers": {"a": 1}}, "header 'a' is 1: names and values are strings"),
    ({"headers": {1: "a"}}, "header 1"),
    ({"headers": {"a": "\0"}}, "neither may hold a NUL"),
    ({"headers": {"\ud800": "a"}}, "half a surrogate pair"),
]


@pytest.mark.parametrize(
    ("options", "words"), OUT_OF_BOUNDS, ids=[str(entry[0])[:40] for entry in OUT_OF_BOUNDS]
)
def test_what_is_out_of_bounds_is_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidJob, match=words) as caught:
        BASE.options(**options)

    assert isinstance(caught.value, PgQueueError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["", "t" * 256, "t\0"])
def test_a_task_needs_a_name(name: str) -> None:
    with pytest.raises(InvalidJob, match="1 to 255"):
        Job(task=name, payload="{}")


@pytest.mark.parametrize(
    "options",
    [
        {"queue": "ü" * 63},
        {"priority": 0},
        {"priority": 9},
        {"max_attempts": 30_000},
        {"delay": timedelta(0)},
        {"delay": LONGEST},
        {"timeout": timedelta(microseconds=1)},
        {"run_at": NOW.astimezone(timezone(timedelta(hours=-5)))},
        {"headers": {}},
        {"keep_result": False},
    ],
)
def test_the_bounds_themselves_are_fine(options: dict[str, Any]) -> None:
    changed = BASE.options(**options)

    for name, value in options.items():
        assert getattr(changed, name) == value


def test_options_change_a_copy() -> None:
    changed = BASE.options(queue="other", priority=1, keep_result=True)

    assert (changed.queue, changed.priority, changed.keep_result) == ("other", 1, True)
    assert (BASE.queue, BASE.priority, BASE.keep_result) == ("default", 5, False)
    assert changed.options() is changed


def test_a_new_time_takes_the_place_of_the_old_one() -> None:
    delayed = BASE.options(run_at=NOW).options(delay=timedelta(seconds=1))
    fixed = BASE.options(delay=timedelta(seconds=1)).options(run_at=NOW)

    assert (delayed.delay, delayed.run_at) == (timedelta(seconds=1), None)
    assert (fixed.delay, fixed.run_at) == (None, NOW)


def test_headers_are_copied() -> None:
    headers = {"a": "1"}
    job = BASE.options(headers=headers)
    headers["a"] = "2"

    assert job.headers == {"a": "1"}


def test_another_payload_keeps_every_option() -> None:
    job = BASE.options(queue="q", delay=timedelta(1), headers={"a": "b"}, timeout=timedelta(2))

    other = job.with_payload('{"a":1}')

    assert other.payload == '{"a":1}'
    assert other.with_payload("{}") == job


@pytest.mark.parametrize(("payload", "size_bytes"), [("x" * 11, 11), ("ü" * 6, 12)])
def test_a_payload_over_the_limit_names_size_limit_and_next_step(payload: str, size_bytes: int) -> None:
    job = Job(task="send", payload=payload)

    with pytest.raises(
        PayloadTooLarge,
        match=f"task send is {size_bytes} bytes of JSON text, the limit is 10: .*enqueue a reference",
    ):
        check_size(job, 10)
    assert check_size(job, size_bytes) == size_bytes
