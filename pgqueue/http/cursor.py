"""Where a page of a list ended, as text that means nothing to whoever hands it back."""

import base64
import json
from datetime import UTC, datetime

from fastapi.exceptions import RequestValidationError

from pgqueue.http.models import LARGEST_ID
from pgqueue.record import DeadLetter, DeadPlace


def cursor_of(letter: DeadLetter) -> str:
    """The cursor of the page that follows this letter."""
    place = json.dumps([letter.died_at.isoformat(), str(letter.id)])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str) -> DeadPlace:
    """The place a cursor means. Raises RequestValidationError for what is none of ours."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        died_at, job_id = json.loads(text)
        return DeadPlace(datetime.fromisoformat(died_at).astimezone(UTC), min(int(job_id), LARGEST_ID))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        reason = "this is no cursor of this list: pass the `next` of a page"
        fault = {"type": "cursor", "loc": ("query", "cursor"), "msg": reason, "input": None}
        raise RequestValidationError([fault]) from error
