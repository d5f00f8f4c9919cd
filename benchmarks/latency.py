"""Percentiles, and an open loop that counts a stall; it must never drop a slow one."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence

BUCKETS_PER_DECADE = 10
SHORTEST_BUCKET_SECONDS = 1e-5


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


def due_batches(per_second: float, seconds: float) -> Iterator[list[int]]:
    """The same in nanoseconds, but all that is due by now at once, so that a producer may send it so."""
    began, total, sent = time.monotonic_ns(), round(per_second * seconds), 0
    while sent < total:
        behind = time.monotonic_ns() - began
        due = min(int(behind * per_second / 1e9) + 1, total)
        if due == sent:
            time.sleep(max(sent / per_second - behind / 1e9, 0.0))
            continue
        yield [began + round(number * 1e9 / per_second) for number in range(sent, due)]
        sent = due


def histogram(seconds: Sequence[float]) -> dict[float, int]:
    """How many by the upper bound of their bucket: ten buckets a decade from 10 us on, without empty ones."""
    places = Counter(map(_bucket, seconds))
    return {SHORTEST_BUCKET_SECONDS * 10 ** (at / BUCKETS_PER_DECADE): places[at] for at in sorted(places)}


def _bucket(seconds: float) -> int:
    if seconds <= SHORTEST_BUCKET_SECONDS:
        return 0
    return math.ceil(math.log10(seconds / SHORTEST_BUCKET_SECONDS) * BUCKETS_PER_DECADE)
