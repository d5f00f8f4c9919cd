"""How all plots look; it must never depend on the page they stand on, be it light or dark."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.rows import Row

DOTS_PER_INCH = 110
TITLE_POINTS = 13
LINE_WIDTH = 1.6
LEGEND_LINE_EMS = 3.5
"""Long enough to tell one dash from another."""
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777")
"""Told apart by everybody, on white, which the picture brings along for dark pages."""
SYSTEM_COLOURS = {"pgqueue": COLOURS[0], "redis-streams": COLOURS[1], "usual-table": COLOURS[6]}
OTHER_COLOURS = COLOURS[2:6]
DURABILITY_DASHES = {"fsync": "-", "fsync-enqueue": "-.", "everysec": "--", "memory": ":"}


def figure(title: str, *, inches: tuple[float, float]) -> Figure:
    """An empty one with that title over the whole."""
    made = Figure(figsize=inches, dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    made.suptitle(title, fontsize=TITLE_POINTS)
    return made


def save(made: Figure, path: Path) -> None:
    """Write the PNG."""
    made.savefig(path)


def colours_of(rows: Sequence[Row]) -> dict[str, str]:
    """Each system's own, the same in every plot; those without one take what is left, in turn."""
    others = [name for name in dict.fromkeys(row.system for row in rows) if name not in SYSTEM_COLOURS]
    left = {name: OTHER_COLOURS[place % len(OTHER_COLOURS)] for place, name in enumerate(others)}
    return SYSTEM_COLOURS | left


def finish(panel: Any, *, title: str, across: str, up: str) -> None:
    """What every panel has: title, both axes named with their units, a faint grid, a legend."""
    panel.set(title=title, xlabel=across, ylabel=up)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(FuncFormatter(plain))
    panel.grid(alpha=0.3)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(fontsize=8, handlelength=LEGEND_LINE_EMS)


def plain(value: float, _position: object = None) -> str:
    """A tick as people write it: 10,000 and 0.001, not powers of ten."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
