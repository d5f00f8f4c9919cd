"""Turns the readings of several rounds into rows; it must never measure anything itself."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

Durability = Literal["fsync", "fsync-enqueue", "everysec", "memory"]
Readings = Mapping[str, float]
Settings = Mapping[str, str | int | float]
HIGHEST_QUIET_SPREAD = 0.1
"""Above it, a row's rounds disagree too much to build on."""
POINTS = ("second", "upper_seconds")
"""Settings of rows that are one point of a line, or one bar of many."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure: the median of its rounds, and how far they lay apart.

    settings: what varies within the scenario, beside system, durability and batch.
    """

    scenario: str
    system: str
    durability: Durability
    batch: int
    metric: str
    value: float
    rounds: int
    spread: float
    settings: Settings = field(default_factory=dict)

    @property
    def label(self) -> str:
        """System and durability, as after --systems."""
        return f"{self.system}:{self.durability}"

    @property
    def is_noisy(self) -> bool:
        """Whether it is not to be built on."""
        return self.spread > HIGHEST_QUIET_SPREAD

    @property
    def is_point(self) -> bool:
        """Whether it is for a plot and the JSON alone: there are too many of its kind for a table."""
        return any(name in self.settings for name in POINTS)


def rows_of(
    readings: Sequence[Readings],
    *,
    scenario: str,
    system: str,
    durability: Durability,
    batch: int,
    settings: Settings | None = None,
) -> list[Row]:
    """One row per metric; every round has the same metrics."""
    columns = {metric: [reading[metric] for reading in readings] for metric in readings[0]}
    return [
        Row(
            scenario=scenario,
            system=system,
            durability=durability,
            batch=batch,
            metric=metric,
            value=statistics.median(values),
            rounds=len(values),
            spread=spread(values),
            settings=settings or {},
        )
        for metric, values in columns.items()
    ]


def spread(values: Sequence[float]) -> float:
    """Half the interquartile range over the median; 0.05 means the middle half lies within 5%.

    One value has none, and around a median of 0 there is nothing to compare it with: 0 for both.
    """
    if len(values) < 2:
        return 0.0
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return (third - first) / 2 / abs(median) if median else 0.0


def ratios(numerators: Sequence[Readings], denominators: Sequence[Readings], metric: str) -> list[float]:
    """One ratio per round, each within its own round: what disturbed both cancels out."""
    return [
        upper[metric] / lower[metric] if lower[metric] else 0.0
        for upper, lower in zip(numerators, denominators, strict=True)
    ]


def as_json(rows: Iterable[Row]) -> str:
    """A JSON list, one object per row."""
    return json.dumps([asdict(row) for row in rows], indent=1)
