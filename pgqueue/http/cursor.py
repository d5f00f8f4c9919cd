"""Where a page of a list ended, as text that means nothing to whoever hands it back."""

import base64
from datetime import UTC, datetime

from fastapi.exceptions import RequestValidationError

from pgqueue.http.models import LARGEST_ID
from pgqueue.record import DeadLetter, DeadPlace


def cursor_of(place: str) -> str:
    """The place, wrapped."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str) -> str:
    """The place a cursor wraps. Raises RequestValidationError for what is none of ours."""
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise no_cursor() from error
    if "\0" in place:
        raise no_cursor()
    return place


def cursor_after(letter: DeadLetter) -> str:
    """The cursor of the page of dead letters that follows this one."""
    return cursor_of(f"{letter.died_at.isoformat()} {letter.id}")


def dead_place_of(cursor: str) -> DeadPlace:
    """The place among dead letters a cursor wraps. Raises RequestValidationError."""
    died_at, _, job_id = place_of(cursor).partition(" ")
    try:
        return DeadPlace(datetime.fromisoformat(died_at).astimezone(UTC), min(int(job_id), LARGEST_ID))
    except (ValueError, OverflowError) as error:
        raise no_cursor() from error


def no_cursor() -> RequestValidationError:
    """The refusal of a cursor."""
    reason = "this is no cursor of this list: pass the `next` of a page"
    return RequestValidationError(
        [{"type": "cursor", "loc": ("query", "cursor"), "msg": reason, "input": None}]
    )
