"""Tests of results: what a handler returned as JSON that jsonb can hold, or a clear refusal."""

import enum
import functools
import math
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from pgqueue import Delivery, PayloadTooLarge, ResultNotSerializable
from pgqueue.result import result_json

LIMIT = 1_000


class Color(enum.Enum):
    RED = "red"


class Point(BaseModel):
    x: int


def delivery(*, keep_result: bool = True) -> Delivery:
    return Delivery(
        claim=1,
        id=7,
        attempt=1,
        last_attempt=5,
        queue="q",
        task="draw",
        payload="{}",
        headers=None,
        priority=5,
        visible_at=datetime(2024, 1, 1, tzinfo=UTC),
        timeout=None,
        keep_result=keep_result,
    )


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, "null"),
        ("a\\u0000", '"a\\\\u0000"'),
        (date(2024, 1, 2), '"2024-01-02"'),
        (Decimal("1.50"), '"1.50"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Color.RED, '"red"'),
        ({"a": [Point(x=1), (1, 2)]}, '{"a":[{"x":1},[1,2]]}'),
        (timedelta(seconds=90), '"PT1M30S"'),
        ("NaN", '"NaN"'),
    ],
)
def test_a_result_is_written_as_pydantic_writes_it(result: object, text: str) -> None:
    assert result_json(delivery(), result, LIMIT) == text


def test_nothing_is_written_for_a_job_that_keeps_none() -> None:
    assert result_json(delivery(keep_result=False), object(), LIMIT) is None


LOOP: list[Any] = []
LOOP.append(LOOP)
DEEP: list[Any] = functools.reduce(lambda inner, _: [inner], range(230), [])


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (object(), "returned object: Unable to serialize"),
        ("\ud800", "surrogates not allowed"),
        (b"\xff", "invalid utf-8"),
        (LOOP, "Circular reference"),
        (DEEP, "nested more than 190 deep"),
        ("a\0", "result holds a NUL character"),
        ({"a": {"b\0": 1}}, r"result\.a has a key with a NUL"),
        ([1, math.nan], r"result\.1 is nan"),
        (math.inf, "result is inf"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) and value.isascii() else "",
)
def test_what_json_or_jsonb_cannot_say_is_refused(result: object, words: str) -> None:
    with pytest.raises(ResultNotSerializable, match=rf"job 7 \(draw\).*{words}"):
        result_json(delivery(), result, LIMIT)


def test_a_result_over_the_limit_names_size_limit_and_next_step() -> None:
    with pytest.raises(
        PayloadTooLarge,
        match=r"job 7 \(draw\) is 1002 bytes of JSON text, the limit is 1000: .*return a reference",
    ):
        result_json(delivery(), "x" * 1_000, LIMIT)
