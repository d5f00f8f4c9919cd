"""From a library's exception to ours, by SQLSTATE alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from pgqueue.drivers.advice import add_advice, advice_for
from pgqueue.errors import from_sqlstate

UNTRANSLATABLE = "22P05"


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: SQLAlchemy keeps the driver's in `orig`, Django in `__cause__`."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = getattr(seen, "orig", None) or seen.__cause__


def sqlstate_of(error: BaseException) -> str | None:
    """The code the server gave, however the library spells it."""
    for cause in causes(error):
        code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
        if isinstance(code, str):
            return code
    return None


def message_of(error: BaseException) -> str:
    """The server's own words: its message and, where there is one, the hint."""
    for cause in causes(error):
        diagnostics = getattr(cause, "diag", None)
        message = getattr(diagnostics, "message_primary", None) or getattr(cause, "message", None)
        hint = getattr(diagnostics, "message_hint", None) or getattr(cause, "hint", None)
        if isinstance(message, str):
            return f"{message}. {hint}" if hint else message
    return str(error)


@contextmanager
def translated(schema: str) -> Iterator[None]:
    """Raise our own error for a code of ours that the server raised; others pass, with advice noted."""
    try:
        yield
    except Exception as error:
        sqlstate = sqlstate_of(error)
        ours = from_sqlstate(sqlstate, message_of(error), schema)
        if ours is None:
            advice = advice_for(UNTRANSLATABLE if isinstance(error, UnicodeError) else sqlstate)
            if advice is not None:
                add_advice(error, advice)
            raise
        raise ours from error
