"""How long to wait before a job is tried again; pure, and never asks a clock."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

Backoff = Callable[[int], timedelta]
"""From the number of the attempt that failed (from 1) to the delay before the next."""

LONGEST = timedelta(days=365_000)
MAX_EXPONENT = 62  # beyond it a delay of one microsecond would already outlast every ceiling


@dataclass(frozen=True, slots=True)
class Exponential:
    """base, 2 base, 4 base, ... up to `ceiling`, each spread evenly over [1 - jitter, 1] of itself.

    The jitter keeps jobs that failed together from coming back together
    (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """

    base: timedelta = timedelta(seconds=1)
    ceiling: timedelta = timedelta(hours=1)
    jitter: float = 0.5
    random: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a spread that is none, and delays that go backwards."""
        if self.base <= timedelta(0):
            raise ValueError(f"base {self.base} is not above zero")
        if not self.base <= self.ceiling <= LONGEST:
            raise ValueError(
                f"ceiling {self.ceiling} is not from the base, {self.base}, to {LONGEST.days} days"
            )
        if not 0 <= self.jitter <= 1:
            raise ValueError(
                f"jitter {self.jitter} is not between 0 (none) and 1 (from zero to the whole delay)"
            )

    def __call__(self, attempt: int) -> timedelta:
        """The delay after this attempt."""
        doubled = self.base.total_seconds() * 2 ** min(max(attempt, 1) - 1, MAX_EXPONENT)
        capped = min(doubled, self.ceiling.total_seconds())
        return timedelta(seconds=capped * (1 - self.jitter * self.random()))


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same delay after every attempt."""

    delay: timedelta

    def __post_init__(self) -> None:
        """Refuse a delay that goes backwards."""
        if not timedelta(0) <= self.delay <= LONGEST:
            raise ValueError(f"delay {self.delay} is not zero or more and at most {LONGEST.days} days")

    def __call__(self, attempt: int) -> timedelta:  # noqa: ARG002 - the number makes no difference here
        """The delay."""
        return self.delay
