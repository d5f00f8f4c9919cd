"""How often a waiter looks: soon at first, then less and less."""

from collections.abc import Iterator

FIRST_SECONDS = 0.01
LONGEST_SECONDS = 0.5


def pauses() -> Iterator[float]:
    """Pauses in seconds, each half as long again as the one before, without end."""
    pause = FIRST_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_SECONDS)
