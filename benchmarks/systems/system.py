"""What a contestant in `lifecycle` can do; it must never favour one of them."""

from typing import Any, Protocol

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


class SteppedSystem(System, Protocol):
    """A queue whose claim and finish can be told apart."""

    def claim(self, batch: int) -> Any:
        """Take up to that many jobs; its length is how many."""

    def finish(self, claimed: Any) -> None:
        """Finish what was claimed, whole."""


class LoggingSystem(SteppedSystem, Protocol):
    """A queue that carries what it is told to, and tells how much it writes."""

    def carry(self, text: str) -> None:
        """The text of every job from now on; ASCII."""

    def log_bytes(self) -> int:
        """What was written so far to the log that makes it durable."""


class SharedSystem(System, Protocol):
    """A queue that many clients drain together."""

    def fill(self, count: int) -> None:
        """That many jobs, for filling, not for measuring."""

    def close(self) -> None:
        """Leave the server."""


class TableSystem(SteppedSystem, Protocol):
    """A queue in PostgreSQL's tables."""

    @property
    def dsn(self) -> str:
        """Where its tables are."""

    def fill(self, count: int, *, delay: str = "0") -> None:
        """That many jobs, due after that interval, made inside the server: not for measuring."""

    def close(self) -> None:
        """Leave the server."""
