"""What was seen in a soak, and whether it stayed flat: the last third against the middle one.

The first third must never be judged: then the first windows have not passed yet.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.latency import percentile
from benchmarks.relations import Sample
from benchmarks.rows import Readings
from benchmarks.soaking import Heard, Timed


@dataclass(frozen=True)
class Shape:
    """How long a soak is, how long one window, and how many jobs come in all."""

    seconds: float
    window_seconds: float
    jobs: int


@dataclass
class Seen:
    """Everything observed. Moments are those of the monotonic clock."""

    began: float
    samples: list[tuple[float, Mapping[str, Sample]]] = field(default_factory=list)
    enqueues: list[Timed] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)


def judged(shape: Shape, seen: Seen) -> Readings:
    """Each figure of the last third, and over that of the middle third: about 1 is flat."""
    figures: dict[str, float] = {}
    sizes, dead = _sums(seen, "size_bytes"), _sums(seen, "dead_tuples")
    for name, values in (("size_bytes", sizes), ("dead_tuples", dead)):
        middle, last = (statistics.fmean(third or [0.0]) for third in _thirds(shape, seen, values))
        figures |= {name: last, f"{name}_last_over_middle": last / middle if middle else 0.0}
    figures["dead_tuples_most"] = max((value for _, value in dead), default=0.0)
    for name, timed in (("enqueue", seen.enqueues), ("pickup", seen.heard.pickups)):
        moments = [(one.at, one.seconds) for one in timed]
        for title, share in (("p50", 0.5), ("p99", 0.99)):
            middle, last = (percentile(third, share) for third in _thirds(shape, seen, moments))
            figures |= {
                f"{name}_{title}_seconds": last,
                f"{name}_{title}_last_over_middle": last / middle if middle else 0.0,
            }
    return figures


def by_relation(shape: Shape, seen: Seen) -> dict[str, Readings]:
    """Size and dead tuples of each relation in the last third."""
    names = sorted({name for _, sample in seen.samples for name in sample})
    found: dict[str, Readings] = {}
    for name in names:
        mine = [(at, sample[name]) for at, sample in seen.samples if name in sample]
        sizes = _thirds(shape, seen, [(at, float(one.size_bytes)) for at, one in mine])[1]
        dead = _thirds(shape, seen, [(at, float(one.dead_tuples)) for at, one in mine])[1]
        if sizes:
            found[name] = {"size_bytes": statistics.fmean(sizes), "dead_tuples": statistics.fmean(dead)}
    return found


def _sums(seen: Seen, what: str) -> list[tuple[float, float]]:
    """Over all relations, at each sample."""
    return [(at, float(sum(getattr(one, what) for one in sample.values()))) for at, sample in seen.samples]


def _thirds(
    shape: Shape, seen: Seen, values: Sequence[tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """The values of the middle third and of the last."""
    middle, last = seen.began + shape.seconds / 3, seen.began + shape.seconds * 2 / 3
    return (
        [value for at, value in values if middle <= at < last],
        [value for at, value in values if at >= last],
    )
