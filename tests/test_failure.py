"""Tests of what is kept of an error: its type, message and traceback, in bounds, whatever it is made of."""

import json

import pytest

from pgqueue.failure import MESSAGE_LIMIT, TRACEBACK_LIMIT, described


class Mute(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("broken")


def raised(error: BaseException) -> BaseException:
    """The error with a traceback."""
    try:
        raise error  # noqa: TRY301 - it shall have a traceback
    except BaseException as caught:  # noqa: BLE001 - it is what we came for
        return caught


def test_type_message_and_traceback_are_kept() -> None:
    told = described(raised(ValueError("no")))

    assert (told["type"], told["message"]) == ("ValueError", "no")
    assert "test_failure.py" in told["traceback"]
    assert told["traceback"].rstrip().endswith("ValueError: no")


def test_a_plain_message_has_no_traceback() -> None:
    assert described("no") == {"type": "Error", "message": "no", "traceback": None}


def test_the_cause_is_told_too() -> None:
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")

    assert "KeyError: 'inner'" in described(raised(error))["traceback"]


def test_an_error_that_cannot_be_printed_is_still_told() -> None:
    told = described(raised(Mute()))

    assert (told["type"], told["message"]) == ("Mute", "(its message could not be read: RuntimeError)")
    assert "Mute" in told["traceback"]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a\udfffb", "ü💾"])
def test_what_jsonb_refuses_is_written_out(text: str) -> None:
    told = described(ValueError(text))

    assert "\0" not in told["message"]
    assert json.loads(json.dumps(told).encode()) == told
    told["message"].encode()


def test_long_errors_are_cut_in_the_middle() -> None:
    told = described(raised(ValueError("begin" + "x" * 100_000 + "end")))

    assert len(told["message"]) < MESSAGE_LIMIT + 100
    assert len(told["traceback"]) < TRACEBACK_LIMIT + 100
    assert told["message"].startswith("begin")
    assert told["message"].endswith("end")
    assert "characters left out" in told["message"]


def test_groups_and_recursion_are_told() -> None:
    def endless() -> None:
        endless()

    with pytest.raises(RecursionError) as caught:
        endless()

    assert described(caught.value)["type"] == "RecursionError"
    assert "ValueError: b" in described(raised(ExceptionGroup("a", [ValueError("b")])))["traceback"]
