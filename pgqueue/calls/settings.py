"""What can be set for a whole installation: shown and changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pgqueue.calls.call import Call, Row, call, function, nothing

SHOW_SETTINGS = function("show_settings").answering(
    retention="interval", ready_window="interval", history_window="interval", payload_limit_bytes="integer"
)
CHANGE_SETTINGS = function(
    "change_settings",
    retention="interval",
    ready_window="interval",
    history_window="interval",
    payload_limit_bytes="integer",
)


@dataclass(frozen=True, slots=True)
class InstallationSettings:
    """What holds for a whole installation, whoever works on it.

    retention: how long a job's history is kept after its attempts.
    ready_window: the length of the partitions jobs wait and are held in; a day at most.
    history_window: the length of those that keep bodies and history; 31 days at most.
    payload_limit_bytes: the largest payload the database takes, as jsonb, headers included.
    """

    retention: timedelta
    ready_window: timedelta
    history_window: timedelta
    payload_limit_bytes: int


def show_settings() -> Call[InstallationSettings]:
    """What holds now."""
    return call(SHOW_SETTINGS, {}, settings)


def change_settings(
    *,
    retention: timedelta | None,
    ready_window: timedelta | None,
    history_window: timedelta | None,
    payload_limit_bytes: int | None,
) -> Call[None]:
    """Change what is not None. Raises InvalidSetting."""
    values = {
        "retention": retention,
        "ready_window": ready_window,
        "history_window": history_window,
        "payload_limit_bytes": payload_limit_bytes,
    }
    return call(CHANGE_SETTINGS, values, nothing)


def settings(rows: Sequence[Row]) -> InstallationSettings:
    """The one row."""
    return InstallationSettings(*rows[0])
