"""What a contestant in `worker` can do; it must never favour one of them."""

from pathlib import Path
from typing import Protocol

from benchmarks.child import Child
from benchmarks.rows import Durability


class WorkerSystem(Protocol):
    """A queue with a worker of its own, both at their best settings.

    jobs: how many one round at full size drains. pickups: how many jobs wake its worker one by one.
    """

    jobs: int
    pickups: int

    @property
    def name(self) -> str:
        """As it stands in the rows."""

    @property
    def durability(self) -> Durability:
        """What a crash may cost."""

    def bulk_seconds(self, jobs: int) -> float:
        """Enqueue that many no-op jobs by its quickest call; how long that took, taken next to the call.

        Their handlers count themselves in the worker's tally.
        """

    def send(self) -> int:
        """One job whose handler stamps its start; the moment before the call, in ns of the shared clock."""

    def worker(self, stamps: Path, tally: Path) -> Child:
        """Its worker in a process of its own, not started yet."""

    def is_drained(self) -> bool:
        """Whether every job succeeded, by its own tables or keys."""
