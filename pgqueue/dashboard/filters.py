"""Filters of a list, kept in the page's address: a link to a list shows the same list."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nicegui import ui

from pgqueue.dashboard.frame import Visit
from pgqueue.durations import duration

ANY = "any"
SINCE = {"": ANY, "15m": "last 15 minutes", "1h": "last hour", "1d": "last day", "7d": "last 7 days"}
LONGEST = 255


def chosen(visit: Visit, name: str) -> str | None:
    """What the address says of a filter; nothing where the database could not look for it."""
    value = visit.query.get(name, "").strip()
    return value[:LONGEST] if value and "\0" not in value else None


def since(visit: Visit, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> datetime | None:
    """From when on, if the address says."""
    text = chosen(visit, "since")
    return now() - spans(text) if text in SINCE and text else None


def spans(text: str) -> timedelta:
    """How long that is."""
    return duration(text)


def queue_names(visit: Visit) -> list[str]:
    """The queues there are, as far as the last look knows."""
    sample = visit.board.watcher.sample
    return sorted(queue.queue for queue in sample.stats.queues) if sample else []


def go(visit: Visit, name: str, value: str | None) -> None:
    """To the list with this filter changed, from its beginning."""
    query = {**visit.query, name: value, "after": None}
    ui.navigate.to(visit.href(visit.path, **query).removeprefix(visit.root))


def select(visit: Visit, name: str, label: str, options: Sequence[str] | Mapping[str, str]) -> None:
    """A choice, with none to begin with."""
    choices = {"": ANY} | (
        dict(options) if isinstance(options, Mapping) else {each: each for each in options}
    )
    value = chosen(visit, name) or ""
    made = ui.select(
        {**choices, value: choices.get(value, value)},
        label=label,
        value=value,
        on_change=lambda event: go(visit, name, event.value),
    )
    made.props("outlined dense options-dense").classes("filter")


def entry(visit: Visit, name: str, label: str) -> None:
    """A word to look for; taken on Enter."""
    made: Any = ui.input(label=label, value=chosen(visit, name) or "")
    made.props("outlined dense clearable").classes("filter")
    made.on("keydown.enter", lambda: go(visit, name, (made.value or "").strip()))
    made.on("clear", lambda: go(visit, name, None))
