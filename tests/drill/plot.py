"""Draws a drill: depth and replicas over the same seconds; it must never smooth anything away."""

from pathlib import Path
from typing import Any

from benchmarks.plots.style import COLOURS, LINE_WIDTH, figure, finish, save
from tests.drill.autoscaler import Scaling, lag_began
from tests.drill.run import Plan, Seen

SIZE_INCHES = (11, 7)


def draw(path: Path, plan: Plan, seen: Seen) -> None:
    """Depth above, replicas below, and where the lag began in both."""
    drawn = figure(
        "Autoscaling drill: the HorizontalPodAutoscaler's algorithm over real workers", inches=SIZE_INCHES
    )
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_depth(above, seen)
    _draw_replicas(below, plan.scaling, seen)
    for panel in (above, below):
        _mark_phases(panel, plan)
        _mark_lag(panel, plan.scaling, seen)
        panel.set_ylim(bottom=0)
    finish(above, title="jobs that have not run", across="", up="jobs")
    finish(below, title="workers", across="seconds", up="replicas")
    save(drawn, path)


def _draw_depth(panel: Any, seen: Seen) -> None:
    moments = [look.at for look in seen.looks]
    panel.plot(
        moments, [look.depth for look in seen.looks], label="counted", color=COLOURS[0], linewidth=LINE_WIDTH
    )
    told = [(look.at, look.metric) for look in seen.looks if look.metric is not None]
    panel.step(
        [at for at, _ in told],
        [metric for _, metric in told],
        where="post",
        label="as scraped from the exporter",
        color=COLOURS[1],
        linewidth=1.0,
    )


def _draw_replicas(panel: Any, scaling: Scaling, seen: Seen) -> None:
    panel.step(
        [look.at for look in seen.looks],
        [look.replicas for look in seen.looks],
        where="post",
        label=f"workers, {scaling.lowest} to {scaling.highest}, {scaling.target:g} jobs each",
        color=COLOURS[2],
        linewidth=LINE_WIDTH,
    )


def _mark_phases(panel: Any, plan: Plan) -> None:
    """The time in which the load is raised."""
    quiet, raised, _ = plan.phases
    panel.axvspan(
        quiet.seconds,
        quiet.seconds + raised.seconds,
        color=COLOURS[3],
        alpha=0.15,
        label=f"{raised.jobs_per_second:g} jobs per second, else {quiet.jobs_per_second:g}",
    )


def _mark_lag(panel: Any, scaling: Scaling, seen: Seen) -> None:
    began = lag_began([(look.at, look.depth) for look in seen.looks], scaling.lowest, scaling.target)
    if began is not None:
        panel.axvline(began, color=COLOURS[6], linestyle=":", label=f"lag begins, {began:.1f} s")
