"""Percentiles, and an open loop that counts a stall; it must never drop a slow one."""

import time
from collections.abc import Iterator, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all lie at or below; 0 of none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    whole = -(-len(ordered) * round(share * 1000) // 1000)  # in thousandths: 0.99 is not a float's 0.99
    return ordered[max(whole, 1) - 1]


def due_moments(per_second: float, seconds: float) -> Iterator[float]:
    """Moments of the monotonic clock, evenly spaced for that long, each given when it has come.

    An open loop: who comes late is given the missed moments at once, and counts from them.
    """
    began = time.monotonic()
    for number in range(round(per_second * seconds)):
        due = began + number / per_second
        time.sleep(max(due - time.monotonic(), 0.0))
        yield due
