"""What a contestant in `lifecycle` can do; it must never favour one of them."""

from typing import Protocol

from benchmarks.rows import Durability


class System(Protocol):
    """A queue at its best settings, seen by one client. The class's docstring states its contract."""

    @property
    def name(self) -> str:
        """As it stands in the rows."""

    @property
    def durability(self) -> Durability:
        """What a crash may cost."""

    def enqueue(self, batch: int) -> None:
        """Store that many new jobs in one go, as durably as the system promises."""

    def consume(self, batch: int) -> int:
        """Take up to that many jobs and finish them; returns how many."""

    def waiting(self) -> int:
        """Jobs not finished yet; asked outside the measured time."""
