"""What a section of the report is made of; it must never hold a figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.rows import Row


@dataclass(frozen=True, kw_only=True)
class Table:
    """Some rows of a scenario as a table: a line per contestant and per whatever else varies.

    metrics: those shown; none named means all. across: what the columns are: `metric`, `batch`, or a setting;
    a name that no row has makes one column.
    where: settings a row must have. without: settings it must not have.
    """

    metrics: Sequence[str] = ()
    across: str = "metric"
    where: Mapping[str, str | int | float] = field(default_factory=dict)
    without: Sequence[str] = ()

    def holds(self, row: Row) -> bool:
        """Whether the row belongs into it."""
        return (
            not row.is_point
            and (not self.metrics or row.metric in self.metrics)
            and all(row.settings.get(name) == value for name, value in self.where.items())
            and not any(name in row.settings for name in self.without)
        )


@dataclass(frozen=True, kw_only=True)
class Headline:
    """One figure of pgqueue's to be quoted, beside the best rival at the same durability.

    batch, settings: which row. durability: pgqueue's. against: a rival's durability where it is another one.
    """

    about: str
    metric: str
    batch: int | None = None
    settings: Mapping[str, str | int | float] = field(default_factory=dict)
    durability: str = "fsync"
    against: str | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """A scenario in the report.

    full, quick: its size in `make bench` and in `make bench-quick`; None leaves it out of the latter.
    quick_systems: whom the latter measures instead of the usual ones.
    draw: writes its plot from its rows. plot: the plot's file, also where the scenario draws it by itself.
    """

    scenario: str
    full: Plan
    quick: Plan | None = None
    quick_systems: Sequence[str] = ()
    tables: Sequence[Table] = (Table(),)
    headlines: Sequence[Headline] = ()
    draw: Callable[[Path, Sequence[Row]], None] | None = None
    plot: str | None = None
