"""Draws throughput by batch size; it must never leave out a system that was measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plots.style import DURABILITY_DASHES, colours_of, figure, finish, save
from benchmarks.rows import Row

PANELS = {
    "jobs_per_second": "whole: enqueue, claim and finish",
    "enqueue_per_second": "enqueue",
    "consume_per_second": "claim and finish",
}
SIZE_INCHES = (15, 5.5)


def draw_lifecycle(path: Path, rows: Sequence[Row]) -> None:
    """One panel per phase, one line per system and durability; bars are the spread of the rounds."""
    drawn = figure("Throughput by batch size: one client, 100 bytes a job", inches=SIZE_INCHES)
    panels: Any = drawn.subplots(1, len(PANELS), sharey=True)
    colours = colours_of(rows)
    for panel, (metric, title) in zip(panels, PANELS.items(), strict=True):
        shown = [row for row in rows if row.metric == metric]
        for system, durability in dict.fromkeys((row.system, row.durability) for row in shown):
            line = [row for row in shown if (row.system, row.durability) == (system, durability)]
            panel.errorbar(
                [row.batch for row in line],
                [row.value for row in line],
                yerr=[row.value * row.spread for row in line],
                label=f"{system}, {durability}",
                color=colours[system],
                linestyle=DURABILITY_DASHES[durability],
                marker="o",
                markersize=4,
                capsize=3,
            )
        panel.set(xscale="log", yscale="log", xticks=sorted({row.batch for row in shown}))
        finish(panel, title=title, across="jobs in a batch", up="jobs per second")
    save(drawn, path)
