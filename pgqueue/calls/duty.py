"""The duty of keeping the house: who has it, and whether it is done."""

from collections.abc import Sequence
from dataclasses import dataclass

from pgqueue.calls.call import Call, Row, call, function, scalar

TAKE_DUTY = function("take_duty", duty="bigint", deputy="bigint").answering(
    term="bigint", is_on_duty="boolean", is_deputy="boolean", beats="bigint", workers="bigint"
)
BEAT_DUTY = function("beat_duty")
DUTY_BEATS = function("duty_beats")
END_DUTY = function("end_duty", term="bigint")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session stands in a term of the duty.

    beats: how often the duty has been done. workers: how many share it.
    """

    term: int
    is_on_duty: bool
    is_deputy: bool
    beats: int
    workers: int


def take_duty(duty: int | None = None, deputy: int | None = None) -> Call[Standing]:
    """Try to be on duty, or its deputy, for as long as this session lasts or the term.

    duty, deputy: the terms under which this session holds them already.
    """
    return call(TAKE_DUTY, {"duty": duty, "deputy": deputy}, standing)


def beat_duty() -> Call[int]:
    """Say that a round was done. Returns the number of the beat."""
    return call(BEAT_DUTY, {}, scalar)


def duty_beats() -> Call[int]:
    """How often the duty has been done."""
    return call(DUTY_BEATS, {}, scalar)


def end_duty(term: int) -> Call[bool]:
    """End a term whose holder is silent. Returns whether we did; somebody else may have been quicker."""
    return call(END_DUTY, {"term": term}, scalar)


def standing(rows: Sequence[Row]) -> Standing:
    """The one row."""
    return Standing(*rows[0])
