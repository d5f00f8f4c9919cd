"""How single things are shown: numbers, durations, payloads. Pure."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pgqueue.durations import readable
from pgqueue.sealing import MARK, is_sealed

LONGEST_TEXT = 20_000  # characters shown of one value
NOTHING = "–"  # noqa: RUF001 - a dash, where a number would stand
PERCENT = 100


def json_text(value: Any) -> str:
    """A JSON value as people read it; of a sealed one, by which key."""
    if is_sealed(value):
        return f"sealed with key {value[MARK]['key']!r}"
    return shortened(json.dumps(value, indent=2, ensure_ascii=False))


def shortened(text: str) -> str:
    """The text, or its beginning and how much there is."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\n… the first {LONGEST_TEXT:,} of {len(text):,} characters"


def run_time(seconds: float | None) -> str:
    """How long something ran, in the unit that suits it."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:,.3g} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"
    return f"{seconds:,.1f} s" if seconds < 60 else age(timedelta(seconds=seconds))


def age(value: timedelta | None) -> str:
    """A duration to the second, its two largest units."""
    if value is None:
        return NOTHING
    whole = timedelta(seconds=max(0, round(value.total_seconds())))
    if whole >= timedelta(days=1):
        whole -= whole % timedelta(hours=1)
    elif whole >= timedelta(hours=1):
        whole -= whole % timedelta(minutes=1)
    return readable(whole) or "0s"


def share(value: float | None) -> str:
    """A share in percent; one is never rounded up to all."""
    if value is None:
        return NOTHING
    percent = value * PERCENT
    return f"{min(percent, 99.9):.1f} %" if percent < PERCENT else "100 %"


def rate(value: float) -> str:
    """So many a second."""
    return f"{value:,.0f}/s" if value >= 10 or value == 0 else f"{value:,.1f}/s"


def trace_of(headers: Any) -> str | None:
    """The trace id that a job's traceparent header names, if it is one (W3C Trace Context)."""
    parts = str(headers.get("traceparent", "")).split("-") if isinstance(headers, dict) else []
    is_one = len(parts) >= 4 and len(parts[1]) == 32 and set(parts[1]) <= set("0123456789abcdef")
    return parts[1] if is_one else None


def counted(number: int, one: str, many: str) -> str:
    """So many of them, in words."""
    return f"{number:,} {one if number == 1 else many}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Some names, and how many more there are."""
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + more
