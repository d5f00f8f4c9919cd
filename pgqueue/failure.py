"""An exception as the data kept of it: type, message, traceback."""

import traceback
from typing import Any

MESSAGE_LIMIT = 10_000
TRACEBACK_LIMIT = 30_000


def described(error: BaseException | str) -> dict[str, Any]:
    """What is kept of an error, in bounds and in characters that jsonb can hold."""
    if isinstance(error, str):
        return {"type": "Error", "message": clean(error, MESSAGE_LIMIT), "traceback": None}
    trace = "".join(traceback.format_exception(error))
    return {
        "type": type(error).__qualname__,
        "message": clean(said(error), MESSAGE_LIMIT),
        "traceback": clean(trace, TRACEBACK_LIMIT),
    }


def said(error: BaseException) -> str:
    """Its message; an exception's own `__str__` may fail too."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - whatever it raises, the first error must be told
        return f"(its message could not be read: {type(broken).__qualname__})"


def clean(text: str, limit: int) -> str:
    """Without what jsonb refuses (NUL, half surrogate pairs), and cut in the middle if too long."""
    sound = text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
    if len(sound) <= limit:
        return sound
    half = limit // 2
    return f"{sound[:half]}\n... {len(sound) - limit} characters left out ...\n{sound[-half:]}"
