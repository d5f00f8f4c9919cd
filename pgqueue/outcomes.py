"""What a handler may answer besides a value: raised or returned, it means the same."""

from datetime import timedelta


class Answer(Exception):
    """A handler's word on its own job."""


class Retry(Answer):
    """This attempt failed: try again after `delay`, or by the task's backoff if None.

    It counts as an attempt; the last one makes a dead letter.
    """

    def __init__(
        self, delay: timedelta | None = None, *, reason: str = "the handler asked for a retry"
    ) -> None:
        super().__init__(reason)
        self.delay = delay


class Snooze(Answer):
    """Not now: deliver again after `delay`. The attempt is given back."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(f"snoozed for {delay}")
        self.delay = delay


class Cancel(Answer):
    """No longer wanted: end the job without calling it a failure."""

    def __init__(self, reason: str = "the handler cancelled it") -> None:
        super().__init__(reason)


class Dead(Answer):
    """Hopeless: straight to the dead letters, whatever attempts are left."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
