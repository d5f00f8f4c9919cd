"""Draws what a soak saw; it must never smooth anything away."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.latency import percentile
from benchmarks.plots.style import COLOURS, figure, plain, save
from benchmarks.soaking import Timed
from benchmarks.steadiness import Seen, Shape

SIZE_INCHES = (12, 8)
SLICES = 100
HEADROOM = 1.25
"""Above the highest value, for the legend."""
TICKS = (1, 2, 5)
"""In each decade of a latency: a soak's may span less than one."""
MEGABYTE = 1_000_000
SMALLEST_SHARE = 0.01
"""A relation that never takes this share of the whole is drawn with the others of its kind."""


def draw_soak(path: Path, shape: Shape, seen: Seen, *, title: str) -> None:
    """Four panels over the same minutes: size, dead tuples, and both latencies."""
    minutes = shape.seconds / 60
    drawn = figure(
        f"Soak: {title} for {minutes:g} min, partition windows of {shape.window_seconds:g} s",
        inches=SIZE_INCHES,
    )
    panels: Any = drawn.subplots(2, 2, sharex=True)
    _draw_relations(
        panels[0][0], seen, "size_bytes", unit=MEGABYTE, title="size on disk by relation", label="megabytes"
    )
    _draw_relations(
        panels[0][1], seen, "dead_tuples", unit=1, title="dead tuples by relation", label="tuples"
    )
    _draw_latency(panels[1][0], shape, seen, seen.enqueues, "enqueue, from when it was due to its commit")
    _draw_latency(panels[1][1], shape, seen, seen.heard.pickups, "pickup, from enqueue to handler start")
    for panel in panels.flat:
        panel.set_xlim(0, minutes)
        panel.grid(alpha=0.3)
        panel.legend(loc="upper left", fontsize=8, ncols=4)
    for panel in panels[1]:
        panel.set_xlabel("minutes")
    save(drawn, path)


def _draw_relations(panel: Any, seen: Seen, what: str, *, unit: int, title: str, label: str) -> None:
    """Stacked, so that the outline is the whole; what is small is put together."""
    moments = [(at - seen.began) / 60 for at, _ in seen.samples]
    lines = lines_of(seen, what)
    heights = [[value / unit for value in line] for line in lines.values()]
    panel.stackplot(moments, heights, labels=list(lines), colors=COLOURS[: len(lines)], alpha=0.85)
    panel.set(title=title, ylabel=label)
    panel.set_ylim(0, HEADROOM * max(map(sum, zip(*heights, strict=True)), default=1.0) or 1.0)


def lines_of(seen: Seen, what: str) -> dict[str, list[float]]:
    """The values of each relation at each sample, the largest first, the small ones added up at the end."""
    names = {name for _, sample in seen.samples for name in sample}
    lines = {
        name: [float(getattr(sample[name], what)) if name in sample else 0.0 for _, sample in seen.samples]
        for name in names
    }
    whole = max((sum(values) for values in zip(*lines.values(), strict=True)), default=0.0)
    order = sorted(lines, key=lambda name: -max(lines[name]))
    large = [name for name in order if max(lines[name]) >= SMALLEST_SHARE * whole][: len(COLOURS) - 1]
    small = [lines[name] for name in order if name not in large]
    drawn = {name: lines[name] for name in large}
    return drawn | ({"others": [sum(values) for values in zip(*small, strict=True)]} if small else {})


def _draw_latency(panel: Any, shape: Shape, seen: Seen, timed: Sequence[Timed], title: str) -> None:
    slices: list[list[float]] = [[] for _ in range(SLICES)]
    for one in timed:
        place = int((one.at - seen.began) / shape.seconds * SLICES)
        if 0 <= place < SLICES:
            slices[place].append(one.seconds * 1000)
    filled = [(place, values) for place, values in enumerate(slices) if values]
    moments = [(place + 0.5) / SLICES * shape.seconds / 60 for place, _ in filled]
    for name, share, colour in (("p50", 0.5, COLOURS[0]), ("p99", 0.99, COLOURS[1])):
        heights = [percentile(values, share) for _, values in filled]
        panel.plot(moments, heights, label=name, color=colour, linewidth=1.2)
    panel.set(title=title, ylabel="milliseconds", yscale="log")
    panel.yaxis.set_major_locator(LogLocator(subs=TICKS))
    panel.yaxis.set_major_formatter(FuncFormatter(plain))
    panel.yaxis.set_minor_formatter(NullFormatter())
