"""Tests of the verdict: each promise that is broken is told."""

from collections import Counter

import pytest

from tests.drill.autoscaler import Policy, Rules, Scaling
from tests.drill.run import Decision, Look, Seen
from tests.drill.verdict import answered_seconds, breaches

RULES = Rules(0, (Policy("Pods", 4, 15),))
SCALING = Scaling(lowest=2, highest=8, target=100, up=RULES, down=RULES)


def seen(*, answered: float = 25.0, left: int = 2, exit_code: int = 0, fallen: tuple[int, ...] = ()) -> Seen:
    """A drill whose lag begins at 10 s, and is answered so much later."""
    return Seen(
        looks=[Look(0, 0, 0, 2), Look(10, 1000, 0, 2), Look(60, 0, 0, left)],
        decisions=[Decision(10 + answered, 2, 6, 1000.0), Decision(60, 6, 2, 0.0)],
        committed=2,
        exit_codes=[0, exit_code],
        fallen=list(fallen),
    )


ALL_RAN = Counter({1: 1, 2: 2})


def test_nothing_is_told_where_all_was_kept() -> None:
    assert breaches(seen(), ALL_RAN, SCALING) == []
    assert answered_seconds(seen(), SCALING) == 25.0


@pytest.mark.parametrize(
    ("drill", "ran", "said"),
    [
        (seen(answered=31), ALL_RAN, "31.0 s after the lag began"),
        (seen(left=3), ALL_RAN, "3 workers were left"),
        (seen(), Counter({1: 1}), "1 of 2 jobs never ran: [2]"),
        (seen(exit_code=1), ALL_RAN, "told to stop ended with [1]"),
        (seen(fallen=(-9,)), ALL_RAN, "by themselves with [-9]"),
        (Seen(looks=[Look(0, 0, 0, 2)]), ALL_RAN, "never made more workers come"),
    ],
)
def test_what_was_broken_is_told(drill: Seen, ran: Counter[int], said: str) -> None:
    [told] = breaches(drill, ran, SCALING)

    assert said in told
