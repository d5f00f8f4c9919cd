"""What the charts draw, as ECharts takes it. Pure. Colours are readable on light and on dark ground."""

from collections.abc import Iterable, Sequence
from typing import Any

from pgqueue.calls.stats import QueueStats
from pgqueue.dashboard.history import Point

INK = "#7d8794"  # text and axes: 4:1 on white and on black
GRID = "rgba(125, 135, 148, 0.18)"
COLOURS = {
    "enqueued": "#6366f1",
    "succeeded": "#10b981",
    "failed": "#ef4444",
    "waiting": "#f59e0b",
    "scheduled": "#8b5cf6",
    "running": "#0ea5e9",
}
# From urgent to whenever, the last is the line apart.
PRIORITIES = (
    "#dc2626",
    "#ea580c",
    "#f59e0b",
    "#eab308",
    "#84cc16",
    "#10b981",
    "#14b8a6",
    "#0ea5e9",
    "#6366f1",
    "#8b5cf6",
    "#6b7280",
)
APART = 10
MOST_QUEUES = 10
TEXT = {"color": INK, "fontFamily": "system-ui, sans-serif"}


def lines(points: Iterable[Point], names: Sequence[str]) -> dict[str, Any]:
    """Some numbers over time."""
    shown = list(points)
    times = [round(point.at.timestamp() * 1000) for point in shown]
    return {
        **base(names),
        "xAxis": {"type": "time", "axisLabel": {**TEXT, "hideOverlap": True}, "splitLine": {"show": False}},
        "yAxis": value_axis(),
        "series": [
            {
                "name": name,
                "type": "line",
                "showSymbol": False,
                "lineStyle": {"width": 2},
                "areaStyle": {"opacity": 0.08},
                "color": COLOURS[name],
                "data": [
                    [at, round(getattr(point, name), 2)] for at, point in zip(times, shown, strict=True)
                ],
            }
            for name in names
        ],
    }


def by_priority(queues: Sequence[QueueStats]) -> dict[str, Any]:
    """What waits in the deepest queues, a bar each, a colour for each priority that has any."""
    shown = deepest(queues)
    used = [number for number in range(APART + 1) if any(queue.by_priority[number] for queue in shown)]
    names = {number: "apart" if number == APART else f"priority {number}" for number in used}
    return {
        **base(list(names.values())),
        "title": {
            "text": "" if used else "nothing waits",
            "left": "center",
            "top": "middle",
            "textStyle": {**TEXT, "fontSize": 14, "fontWeight": "normal"},
        },
        "xAxis": value_axis(),
        "yAxis": {
            "type": "category",
            "data": [queue.queue for queue in shown],
            "axisLabel": {**TEXT, "width": 110, "overflow": "truncate"},
            "axisTick": {"show": False},
            "axisLine": {"show": False},
        },
        "series": [
            {
                "name": names[number],
                "type": "bar",
                "stack": "waiting",
                "barMaxWidth": 22,
                "color": PRIORITIES[number],
                "data": [queue.by_priority[number] for queue in shown],
            }
            for number in used
        ],
    }


def deepest(queues: Sequence[QueueStats]) -> list[QueueStats]:
    """The queues in which most waits, the deepest last, for that is drawn on top."""
    return sorted(queues, key=lambda queue: (queue.waiting, queue.queue))[-MOST_QUEUES:]


def base(names: Sequence[str]) -> dict[str, Any]:
    """What all charts have in common."""
    return {
        "animation": False,
        "textStyle": TEXT,
        "grid": {"left": 8, "right": 14, "top": 40, "bottom": 6, "containLabel": True},
        "legend": {
            "type": "scroll",
            "data": list(names),
            "top": 0,
            "left": 0,
            "textStyle": TEXT,
            "icon": "roundRect",
        },
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
    }


def value_axis() -> dict[str, Any]:
    """An axis that counts."""
    return {
        "type": "value",
        "minInterval": 1,
        "axisLabel": TEXT,
        "splitLine": {"lineStyle": {"color": GRID}},
        "splitNumber": 4,
    }
