"""What all pages share, and what is known of who looks at one."""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass

from pgqueue.async_client import AsyncClient
from pgqueue.dashboard.watcher import Watcher
from pgqueue.http.redaction import Redact


@dataclass(frozen=True, slots=True)
class Board:
    """One installation: to ask it, what is known of it for all viewers, what is hidden from them."""

    client: AsyncClient
    watcher: Watcher
    redact: Redact


@dataclass(slots=True, eq=False)
class Session:
    """From a login until its end; pages made meanwhile notice it. ends_at: on the monotonic clock."""

    ends_at: float

    @property
    def has_ended(self) -> bool:
        """Whether it is time to log in again."""
        return time.monotonic() >= self.ends_at

    def end(self) -> None:
        """Let it be over, also for the pages that are open."""
        self.ends_at = -math.inf


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page. session: None where nobody logs in."""

    roles: frozenset[str]
    session: Session | None = None

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
        return self.session is not None and self.session.has_ended


def viewer(roles: Collection[str], session: Session | None = None) -> Viewer:
    """A viewer with these roles."""
    return Viewer(frozenset(roles), session)
