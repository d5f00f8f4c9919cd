"""Rows as Markdown tables, pgqueue beside its rivals; it must never compare what promises less unmarked."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from benchmarks.report.figures import shown, times, times_better
from benchmarks.report.layout import Table
from benchmarks.rows import Row
from benchmarks.systems.pgqueue import PgQueue

DURABILITIES = ("fsync", "fsync-enqueue", "everysec", "memory")
STRONGEST = DURABILITIES[0]
NOISY = "≈"
UNEQUAL = "†"
LEGEND = (
    "Each figure is the median of its rounds, ± half their interquartile range over the median;"
    f" {NOISY} marks those above 10%: do not build on them."
    " `1.50x` behind a rival's figure: pgqueue is 1.5 times as good there (faster, or less)."
    f" {UNEQUAL}: compared with pgqueue at `fsync`, which promises more."
)
Key = tuple[str, ...]
Item = TypeVar("Item", bound=Hashable)


def markdown_of(table: Table, rows: Sequence[Row]) -> list[str]:
    """Its lines; none if no row belongs into it."""
    chosen = [row for row in rows if table.holds(row)]
    if not chosen:
        return []
    grid = Grid(table.across, chosen)
    heads = [*grid.names, "system", "durability", *(_head(table, column) for column in grid.columns)]
    lines = [_line(heads), _line([*["---"] * (len(grid.names) + 2), *["---:"] * len(grid.columns)])]
    for key in grid.keys:
        lines += [_line([*key, *who, *grid.cells(key, who)]) for who in grid.contestants(key)]
    return [*_caption(table, chosen), *lines, ""]


def _caption(table: Table, chosen: Sequence[Row]) -> list[str]:
    metrics = list(dict.fromkeys(row.metric for row in chosen))
    return [f"`{metrics[0]}`", ""] if table.across != "metric" and len(metrics) == 1 else []


def _head(table: Table, column: str) -> str:
    return f"`{column}`" if table.across == "metric" else f"{table.across} {column}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def figure_of(row: Row) -> str:
    """With its spread, and marked if that is large; one round has none."""
    figure = f"{NOISY if row.is_noisy else ''}{shown(row.metric, row.value)}"
    return f"{figure} ±{row.spread:.0%}" if row.rounds > 1 else figure


class Grid:
    """The rows by what their lines and columns are.

    names: what varies beside the columns and the contestants, and so begins a line. keys: its values.
    """

    def __init__(self, across: str, rows: Sequence[Row]) -> None:
        self._places: dict[tuple[Key, str, str, str], Row] = {}
        self.columns = _once(_value(row, across) for row in rows)
        settings = _once(name for row in rows for name in row.settings)
        self.names = _telling(rows, [name for name in (*settings, "metric", "batch") if name != across])
        for row in rows:
            self._places[self._key(row), row.system, row.durability, _value(row, across)] = row
        self.keys = _once(self._key(row) for row in rows)

    def _key(self, row: Row) -> Key:
        return tuple(_value(row, name) for name in self.names)

    def contestants(self, key: Key) -> list[tuple[str, str]]:
        """Those with a figure there: the safest first, and pgqueue before its equals."""
        found = _once((system, durability) for place, system, durability, _ in self._places if place == key)
        return sorted(found, key=lambda who: (DURABILITIES.index(who[1]), who[0] != PgQueue.name))

    def cells(self, key: Key, who: tuple[str, str]) -> list[str]:
        """A contestant's figures, one per column."""
        return [self._cell(key, who, column) for column in self.columns]

    def _cell(self, key: Key, who: tuple[str, str], column: str) -> str:
        row = self._places.get((key, *who, column))
        if row is None:
            return ""
        return figure_of(row) + self._comparison(key, row, column)

    def _comparison(self, key: Key, row: Row, column: str) -> str:
        """Nothing for pgqueue itself, nor where it has no figure beside this one."""
        equal = self._places.get((key, PgQueue.name, row.durability, column))
        ours = equal or self._places.get((key, PgQueue.name, STRONGEST, column))
        if ours is None or row.system == PgQueue.name:
            return ""
        ratio = times_better(row.metric, ours.value, row.value)
        return "" if ratio is None else f" `{times(ratio)}`{'' if equal else UNEQUAL}"


def _telling(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Those names that vary; the batch only if lines could not be told apart without it."""
    varying = [name for name in names if len({_value(row, name) for row in rows}) > 1]
    fewer = [name for name in varying if name != "batch"]
    return fewer if _combinations(rows, fewer) == _combinations(rows, varying) else varying


def _combinations(rows: Sequence[Row], names: Sequence[str]) -> int:
    return len({tuple(_value(row, name) for name in names) for row in rows})


def _value(row: Row, name: str) -> str:
    """What a row has there, as it is written."""
    if name == "metric":
        return row.metric
    value = row.batch if name == "batch" else row.settings.get(name, "")
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def _once(items: Iterable[Item]) -> list[Item]:
    """Without repetition, in order."""
    return list(dict.fromkeys(items))
