"""Tests of arguments: what goes into a job comes out of it; what would not is refused before it is sent."""

import functools
import math
from typing import Any

import pytest
from pydantic import SecretStr

from pgqueue import InvalidPayload
from tests.arguments import ROUND_TRIPS, Point, carrying


@pytest.mark.parametrize(("annotation", "value"), ROUND_TRIPS, ids=lambda value: repr(value)[:40])
def test_a_value_comes_back_as_it_went(annotation: Any, value: Any) -> None:
    carried = carrying(annotation)

    back = carried.decode(carried.job(value=value).payload)["value"]

    assert back == value
    assert type(back) is type(value)


DEEP: list[Any] = functools.reduce(lambda inner, _: [inner], range(1_000), [])
DEEP_ENOUGH: list[Any] = functools.reduce(lambda inner, _: [inner], range(150), [])
BETWEEN: list[Any] = functools.reduce(lambda inner, _: [inner], range(220), [])  # written, and not read

HOSTILE: list[tuple[Any, Any, str]] = [
    (str, "a\0b", r"value holds a NUL character"),
    (str, "\\\0", r"value holds a NUL character"),
    (Any, {"a": [{"b": "\0"}]}, r"value\.a\.0\.b holds a NUL character"),
    (Any, {"a": {"k\0": 1}}, r"value\.a has a key with a NUL"),
    (str, "\ud800", "surrogates not allowed"),
    (Any, "\ud800", "surrogates not allowed"),
    (Any, {"\ud800": 1}, "surrogates not allowed"),
    (bytes, b"\xff", "invalid utf-8"),
    (float, math.nan, "value is nan, for which JSON has no number"),
    (float | None, math.inf, "value is inf"),
    (Point, Point(x=1, y=-math.inf), r"value\.y is -inf"),
    (Any, [1.0, math.nan], r"value\.1 is nan"),
    (Any, 10**4_400, "more than 4300 digits"),
    (Any, DEEP, "depth exceeded"),
    (Any, BETWEEN, "value is nested more than 190 deep"),
    (SecretStr, SecretStr("x"), "value is a secret"),
    (Any, object(), "Unable to serialize unknown type"),
]


@pytest.mark.parametrize(("annotation", "value", "words"), HOSTILE, ids=[entry[2][:30] for entry in HOSTILE])
def test_what_would_not_come_back_is_refused(annotation: Any, value: Any, words: str) -> None:
    with pytest.raises(InvalidPayload, match=words):
        carrying(annotation).job(value=value)


@pytest.mark.parametrize(
    "value", ["\\u0000", "\\\\u0000", "NaN", "null", "**********", "Infinity", DEEP_ENOUGH]
)
def test_what_only_looks_like_it_is_not_refused(value: Any) -> None:
    carried = carrying(Any)

    assert carried.decode(carried.job(value=value).payload) == {"value": value}
