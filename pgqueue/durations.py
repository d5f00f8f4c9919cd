"""Durations and moments as people type them: `90s`, `1h30m`, `2026-01-31T12:00`."""

import re
from datetime import UTC, datetime, timedelta

UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
WHOLE = re.compile(rf"(?:{PART.pattern})+")


def duration(text: str) -> timedelta:
    """The duration this says: numbers with units, such as `500ms`, `60s` or `1h30m`.

    Raises ValueError, saying what would do.
    """
    compact = text.strip().replace(" ", "")
    if not WHOLE.fullmatch(compact):
        advice = f"{compact}s" if compact.replace(".", "", 1).isdigit() else "60s, 1h30m, 500ms or 2d"
        raise ValueError(f"{text!r} is not a duration: write for example {advice}")
    try:
        return sum((float(number) * UNITS[unit] for number, unit in PART.findall(compact)), timedelta())
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer than can be counted") from error


def moment(text: str) -> datetime:
    """The moment this says: so long ago (`2h`), or an ISO date and time, the local one if it names no zone.

    Raises ValueError, saying what would do.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        pass
    try:
        return datetime.now(UTC) - duration(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is neither a duration such as 2h nor a moment such as 2026-01-31T12:00"
        ) from error


def spelled(value: timedelta) -> str:
    """A duration as `duration` reads it back."""
    return f"{value / UNITS['ms']:f}ms"


def readable(value: timedelta) -> str:
    """A duration for people, in the units `duration` reads: `7d`, `1h30m`."""
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, value = divmod(value, UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    if value:
        parts.append(f"{value / UNITS['ms']:g}ms")
    return "".join(parts) or "0s"
