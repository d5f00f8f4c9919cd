"""The gate every request passes before anything of it is read: who asks, and how much it may send.

It must never let a body through that is larger than allowed, whatever its Content-Length says.
"""

from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pgqueue.http.access import Authenticate, Refused
from pgqueue.http.problems import response

CALLER = "pgqueue.roles"  # where in a request's scope its roles stand
OPEN = frozenset({"/health/live", "/health/ready", "/openapi.json"})  # what they tell is no secret
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Gate:
    """Middleware that lets in whom `authenticate` knows, with bodies of `limit_bytes` at most."""

    def __init__(self, app: ASGIApp, *, authenticate: Authenticate, limit_bytes: int) -> None:
        self._app = app
        self._authenticate = authenticate
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sender = guarded(send)
        connection = HTTPConnection(scope)
        try:
            scope[CALLER] = await self._roles(connection)
            check_length(connection, self._limit_bytes)
        except Refused as refused:
            answer = response(401, str(refused), headers={"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, sender)
        except HTTPException as error:
            await response(error.status_code, error.detail, headers=error.headers)(scope, receive, sender)
        else:
            await self._app(scope, counted(receive, self._limit_bytes), sender)

    async def _roles(self, connection: HTTPConnection) -> Collection[str]:
        path: str = connection.scope["path"].removeprefix(connection.scope.get("root_path", ""))
        return () if path in OPEN else await self._authenticate(connection)


def too_long(limit_bytes: int) -> HTTPException:
    """The refusal of a body; what follows of it is not read."""
    return HTTPException(
        413, f"a request's body has at most {limit_bytes} bytes", headers={"Connection": "close"}
    )


def check_length(connection: HTTPConnection, limit_bytes: int) -> None:
    """Raise if the body says it will be too long."""
    said = connection.headers.get("content-length", "0")
    if said.isascii() and said.isdigit() and int(said[:20]) > limit_bytes:
        raise too_long(limit_bytes)


def counted(receive: Receive, limit_bytes: int) -> Receive:
    """The same body, given up where it becomes too long."""
    left = limit_bytes

    async def next_message() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise too_long(limit_bytes)
        return message

    return next_message


def guarded(send: Send) -> Send:
    """The same answer, kept by nobody on the way and taken for nothing else than it is."""

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return pass_on
