"""How a figure reads: its unit, and whether more of it is better; it must never round one away."""

from typing import Literal

Better = Literal["more", "less"]
MORE_IS_BETTER = ("_per_second",)
LESS_IS_BETTER = ("_seconds", "_bytes", "_cores", "_per_worker", "_per_claim", "_per_job", "_kills")
TIMES = ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "µs"))
SIZES = ((1e9, 1e-9, "GB"), (1e6, 1e-6, "MB"), (1e3, 1e-3, "kB"), (0.0, 1.0, "B"))
"""From this value on, the factor and the unit."""


def better(metric: str) -> Better | None:
    """By the metric's ending; None for shares, ratios and counts, which are not compared as such."""
    if metric.endswith(MORE_IS_BETTER):
        return "more"
    return "less" if metric.endswith(LESS_IS_BETTER) else None


def times_better(metric: str, ours: float, theirs: float) -> float | None:
    """How many times as good ours is: above 1 ours is better, whichever way the metric goes."""
    way = better(metric)
    upper, lower = (ours, theirs) if way == "more" else (theirs, ours)
    return upper / lower if way and lower > 0 and upper > 0 else None


def shown(metric: str, value: float) -> str:
    """With its unit where the metric's name holds one: times, sizes; else the number alone."""
    if "microseconds" in metric:
        return f"{number(value)} µs"
    if metric.endswith("_seconds") or "_seconds_per_" in metric:
        return _scaled(value, TIMES)
    if metric.endswith("_bytes") or "_bytes_per_" in metric:
        return _scaled(value, SIZES)
    return number(value)


def _scaled(value: float, units: tuple[tuple[float, float, str], ...]) -> str:
    factor, unit = next((factor, unit) for least, factor, unit in units if abs(value) >= least)
    return f"{number(value * factor)} {unit}"


def number(value: float) -> str:
    """Three digits or more, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def times(ratio: float) -> str:
    """As in `1.52x`."""
    return f"{ratio:.2f}x" if ratio < 100 else f"{ratio:,.0f}x"
