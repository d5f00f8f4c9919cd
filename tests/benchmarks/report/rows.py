"""Rows as short as tests want them."""

from typing import Any

from benchmarks.rows import Durability, Row


def row(
    system: str,
    value: float,
    *,
    metric: str = "jobs_per_second",
    durability: Durability = "fsync",
    batch: int = 1,
    spread: float = 0.02,
    scenario: str = "lifecycle",
    **settings: Any,
) -> Row:
    return Row(
        scenario=scenario,
        system=system,
        durability=durability,
        batch=batch,
        metric=metric,
        value=value,
        rounds=3,
        spread=spread,
        settings=settings,
    )
