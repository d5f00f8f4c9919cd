"""Ends the command when it is told to, from its first moment on; it must never need slow imports."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

STOPS = (signal.SIGTERM, signal.SIGINT)


def stop_in_order() -> None:
    """SIGTERM and Ctrl-C end all blocks from now on: servers stop, and their folders go."""
    for number in STOPS:
        signal.signal(number, _leave)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What starts in this block is known, and can be ended, before anything stops us: that waits."""
    heard: list[int] = []
    before = {number: signal.getsignal(number) for number in STOPS}
    for number in STOPS:
        signal.signal(number, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        for number in STOPS:
            signal.signal(number, before[number])
        if heard:
            signal.raise_signal(heard[0])


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)  # a second one would leave behind what the first began to end
    sys.stderr.write(f"benchmarks: stopped by {signal.Signals(number).name}\n")
    sys.exit(128 + number)
