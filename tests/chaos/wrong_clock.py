"""Runs `pgqueue` in a process whose wall clock is wrong, where libfaketime is not installed.

`python -m tests.chaos.wrong_clock SECONDS worker ...`. It must be the first to touch the clock:
whoever imported `time` by name before would still see the true one.
"""

import datetime as dt
import sys
import time


class WrongDatetime(dt.datetime):
    """A datetime whose `now` goes by `time.time`."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "WrongDatetime":
        """Now, by the wrong clock."""
        return cls.fromtimestamp(time.time(), tz)


def be_off(seconds: int) -> None:
    """Let this whole process be wrong by so much."""
    true_time, true_time_ns = time.time, time.time_ns
    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_time_ns() + seconds * 10**9
    dt.datetime = WrongDatetime  # type: ignore[misc]


if __name__ == "__main__":
    be_off(int(sys.argv.pop(1)))
    from pgqueue.__main__ import main

    main()
