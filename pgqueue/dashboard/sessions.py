"""Who has logged in. It must never keep a token, nor tell a session's id to anybody but its owner."""

import secrets
import time

from starlette.requests import HTTPConnection

from pgqueue.dashboard.board import Session, Viewer, viewer
from pgqueue.http.access import Authenticate, Refused

LASTS_SECONDS = 12 * 3600.0
MOST = 1000  # beyond, whoever logged in first is forgotten


class Sessions:
    """Sessions by their id, in this process alone: after a restart everybody logs in again."""

    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate
        self._viewers: dict[str, Viewer] = {}

    async def begin(self, token: str) -> str:
        """The id of a new session of whoever has this token. Raises Refused."""
        header = (b"authorization", b"Bearer " + token.encode("utf-8", "surrogateescape"))
        roles = await self._authenticate(HTTPConnection({"type": "http", "headers": [header]}))
        found = viewer(roles, Session(time.monotonic() + LASTS_SECONDS))
        if not found.may_look:
            raise Refused("this token may not look: it takes the role read, or admin")
        while len(self._viewers) >= MOST:
            self.end(next(iter(self._viewers)))
        session = secrets.token_urlsafe(32)
        self._viewers[session] = found
        return session

    def find(self, session: str) -> Viewer | None:
        """Whose session this is, if it has not ended."""
        found = self._viewers.get(session)
        if found is not None and found.has_ended:
            self.end(session)
            return None
        return found

    def end(self, session: str) -> None:
        """Forget it; what is open of it ends."""
        found = self._viewers.pop(session, None)
        if found is not None and found.session is not None:
            found.session.end()
