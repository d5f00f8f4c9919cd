"""What all pages share, and what is known of who looks at one."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from pgqueue.async_client import AsyncClient
from pgqueue.dashboard.parts import Redact
from pgqueue.dashboard.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Board:
    """One installation: to ask it, what is known of it for all viewers, what is hidden from them."""

    client: AsyncClient
    watcher: Watcher
    redact: Redact


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page. ends_at: when the session ends, on the monotonic clock; None: never.

    can_leave: whether there is a session to end.
    """

    roles: frozenset[str]
    ends_at: float | None = None
    can_leave: bool = False

    @property
    def may_look(self) -> bool:
        """Whether pages are for this one's eyes."""
        return bool(self.roles & {"read", "admin"}) and not self.has_ended

    @property
    def may_act(self) -> bool:
        """Whether this one may change anything."""
        return "admin" in self.roles and not self.has_ended

    @property
    def has_ended(self) -> bool:
        """Whether it is time to log in again."""
        return self.ends_at is not None and time.monotonic() >= self.ends_at


def viewer(roles: Collection[str], *, ends_at: float | None = None, can_leave: bool = False) -> Viewer:
    """A viewer with these roles."""
    return Viewer(frozenset(roles), ends_at, can_leave)
