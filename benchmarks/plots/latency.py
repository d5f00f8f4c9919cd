"""Draws how long jobs waited for their handlers; it must never cut off the tail."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.plots.style import DURABILITY_DASHES, LINE_WIDTH, colours_of, figure, finish, save
from benchmarks.rows import Row

METRIC = "latency_bucket"
COLUMNS = 2
SIZE_INCHES = (13, 9)
SMALLEST_SHARE = 1e-4
PERCENTILES = {"p50": 0.5, "p99": 0.01, "p99.9": 0.001}


def draw_latency(path: Path, rows: Sequence[Row]) -> None:
    """One panel per rate, one line per system and durability: the share of jobs that waited longer."""
    shown = [row for row in rows if row.metric == METRIC]
    rates = list(dict.fromkeys(row.settings["rate"] for row in shown))
    drawn = figure("From the moment a job is due to the first line of its handler", inches=SIZE_INCHES)
    panels: Any = drawn.subplots(
        max(-(-len(rates) // COLUMNS), 1), COLUMNS, sharex=True, sharey=True, squeeze=False
    )
    colours = colours_of(rows)
    for panel, rate in zip(panels.flat, rates, strict=False):
        _draw_lines(panel, [row for row in shown if row.settings["rate"] == rate], colours)
        panel.set(xscale="log", yscale="log")
        panel.set_ylim(SMALLEST_SHARE, 1)
        title = f"{rate:,} jobs per second" if isinstance(rate, int) else "one job at a time, idle"
        finish(panel, title=title, across="milliseconds", up="share of jobs that waited longer")
    for panel in list(panels.flat)[len(rates) :]:
        panel.set_axis_off()
    save(drawn, path)


def _draw_lines(panel: Any, rows: Sequence[Row], colours: dict[str, str]) -> None:
    for system, durability in dict.fromkeys((row.system, row.durability) for row in rows):
        line = [row for row in rows if (row.system, row.durability) == (system, durability)]
        panel.step(
            [float(row.settings["upper_seconds"]) * 1000 for row in line],
            waited_longer([row.value for row in line]),
            where="post",
            label=f"{system}, {durability}",
            color=colours[system],
            linestyle=DURABILITY_DASHES[durability],
            linewidth=LINE_WIDTH,
        )
    for name, share in PERCENTILES.items():
        panel.axhline(share, color="#999999", linewidth=0.8)
        panel.annotate(name, (1.0, share), xycoords=("axes fraction", "data"), fontsize=8, color="#666666")


def waited_longer(counts: Sequence[float]) -> list[float]:
    """By bucket, the share of all that lies above it: 0 at the last."""
    whole = sum(counts)
    return [1 - below / whole if whole else 0.0 for below in accumulate(counts)]
