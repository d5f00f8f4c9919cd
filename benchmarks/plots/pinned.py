"""Draws throughput over time with a free horizon and with a pinned one; it must never hide a decline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plots.style import LINE_WIDTH, colours_of, figure, finish, save
from benchmarks.rows import Row

METRIC = "jobs_per_second_at"
DASHES = {"free": "-", "pinned": "--"}
HEIGHT_INCHES = 5.0
PANEL_INCHES = 5.5


def draw_pinned(path: Path, rows: Sequence[Row]) -> None:
    """One panel per kind of load, one line per system and horizon, from zero up."""
    shown = [row for row in rows if row.metric == METRIC]
    loads = list(dict.fromkeys((row.settings["through"], row.settings["load"]) for row in shown))
    drawn = figure(
        "Throughput over time while another session holds a snapshot open (pinned), and without (free)",
        inches=(PANEL_INCHES * max(len(loads), 1), HEIGHT_INCHES),
    )
    panels: Any = drawn.subplots(1, max(len(loads), 1), squeeze=False)
    colours = colours_of(rows)
    for panel, (through, load) in zip(panels[0], loads, strict=False):
        here = [row for row in shown if (row.settings["through"], row.settings["load"]) == (through, load)]
        _draw_lines(panel, here, colours)
        panel.set_ylim(bottom=0)
        finish(panel, title=f"{load}, through the {through}", across="seconds", up="jobs per second")
    save(drawn, path)


def _draw_lines(panel: Any, rows: Sequence[Row], colours: dict[str, str]) -> None:
    for system, horizon in dict.fromkeys((row.system, str(row.settings["horizon"])) for row in rows):
        line = [row for row in rows if (row.system, row.settings["horizon"]) == (system, horizon)]
        panel.plot(
            [float(row.settings["second"]) for row in line],
            [row.value for row in line],
            label=f"{system}, {horizon}",
            color=colours[system],
            linestyle=DASHES[horizon],
            linewidth=LINE_WIDTH,
        )
