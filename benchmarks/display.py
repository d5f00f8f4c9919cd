"""Shows progress and figures to whoever is watching; it must never measure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.rows import Row

UNBOUND_WIDTH = 180


class ProgressBar:
    """One bar per scenario, on standard error, and one for all of them if they are several."""

    def __init__(self, bars: Progress, scenarios: int) -> None:
        self._bars = bars
        self._current = TaskID(0)
        self._whole = bars.add_task("scenarios", total=scenarios) if scenarios > 1 else None

    def end_scenario(self) -> None:
        """One scenario is done."""
        if self._whole is not None:
            self._bars.advance(self._whole)

    def begin(self, title: str, turns: int) -> None:
        """A new bar of that many turns."""
        self._current = self._bars.add_task(title, total=turns)

    def advance(self) -> None:
        """One turn is done."""
        self._bars.advance(self._current)


@contextmanager
def progress_on(console: Console, scenarios: int) -> Iterator[ProgressBar]:
    """Bars while the block runs; nothing at all unless the console is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        yield ProgressBar(bars, scenarios)


def table_of(rows: Sequence[Row]) -> Table:
    """The rows for a human reader."""
    table = Table("scenario", "system", "batch", "settings", "metric")
    table.add_column("value", justify="right")
    table.add_column("spread", justify="right")
    for row in rows:
        if row.is_point:
            continue
        mark = " (noisy)" if row.is_noisy else ""
        settings = ", ".join(f"{name} {value}" for name, value in row.settings.items())
        figures = (f"{row.value:,.0f}" if row.value >= 10 else f"{row.value:.4f}", f"{row.spread:.0%}{mark}")
        table.add_row(row.scenario, row.label, str(row.batch), settings, row.metric, *figures)
    return table


def printer() -> Console:
    """Standard output; as wide as a table needs where there is no terminal that has a width."""
    console = Console()
    return console if console.is_terminal else Console(width=UNBOUND_WIDTH)
