"""Tasks that answer as a test wants."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pgqueue import Fixed, Task, task

AnyTask = Task[..., Any]
AT_ONCE = Fixed(timedelta(0))


def answering(answers: Callable[[], object], *, is_async: bool = True, **options: Any) -> AnyTask:
    """A task that answers so; what it raises, it raises."""

    def blocking() -> object:
        return answers()

    async def in_loop() -> object:
        return answers()

    return task(name="answer", **{"backoff": AT_ONCE} | options)(in_loop if is_async else blocking)


def raising(error: BaseException) -> Callable[[], object]:
    def answers() -> object:
        raise error

    return answers


def once(answer: Exception, *, raises: bool, then: object = "done") -> Callable[[], object]:
    """Answers this the first time, and something simple from then on."""
    answers = iter([answer])

    def handler() -> object:
        first = next(answers, None)
        if first is None:
            return then
        if raises:
            raise first
        return first

    return handler
