"""The dashboard: what the queue does, live, in a browser (`pgqueue serve`). It needs the extra `dashboard`.

What is named in `__all__` is public; the rest may change.
"""

from pgqueue.errors import MissingExtra as _MissingExtra

try:
    from pgqueue.dashboard.app import add_dashboard
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"fastapi", "starlette", "nicegui"}:
        raise
    raise _MissingExtra(f"{error.name} is not installed; run: pip install 'pgqueue-py[dashboard]'") from error

__all__ = ["add_dashboard"]
