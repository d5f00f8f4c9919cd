"""pgqueue over HTTP: an app to serve (`pgqueue serve`) or to mount in yours. It needs the extra `http`.

What is named in `__all__` is public; the rest may change.
"""

from pgqueue.errors import MissingExtra as _MissingExtra

try:
    from pgqueue.http.access import (
        InvalidTokens,
        Refused,
        Role,
        Token,
        new_token,
        read_tokens,
    )
    from pgqueue.http.app import close, create_app, stop
    from pgqueue.http.redaction import Redact
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"fastapi", "starlette"}:
        raise
    raise _MissingExtra(f"{error.name} is not installed; run: pip install 'pgqueue-py[http]'") from error

__all__ = [
    "InvalidTokens",
    "Redact",
    "Refused",
    "Role",
    "Token",
    "close",
    "create_app",
    "new_token",
    "read_tokens",
    "stop",
]
