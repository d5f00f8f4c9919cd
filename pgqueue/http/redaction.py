"""What is shown of jobs is the operator's choice. It must never show what was hidden."""

from collections.abc import Callable
from typing import Any, TypeVar

from pgqueue.http.models import DeadLine, JobAnswer

Redact = Callable[[str, str, Any], Any]
"""From a task's name, a part of a job (payload, headers, result, error) and its value to what is shown."""

PARTS = ("payload", "headers", "result", "error")

Shown = TypeVar("Shown", JobAnswer, DeadLine)


def nothing_hidden(task: str, part: str, value: Any) -> Any:  # noqa: ARG001 - what a hook is given
    """Shows everything as it is."""
    return value


def redacted(answer: Shown, redact: Redact) -> Shown:
    """The answer, in it what is shown in place of each part it has."""
    for part in PARTS:
        hide(answer, part, answer.task, redact)
    for attempt in getattr(answer, "attempts", ()):
        hide(attempt, "error", answer.task, redact)
    return answer


def hide(told: Any, part: str, task: str, redact: Redact) -> None:
    """Put what is shown in the place of a part, if it is there."""
    value = getattr(told, part, None)
    if value is not None:
        setattr(told, part, redact(task, part, value))
