"""What a queue promises, as a model small enough to be read; it must never ask the database."""

from dataclasses import dataclass, field

from tests.sql.session import Row

ENDED = ("succeeded", "cancelled", "dead")


@dataclass
class Job:
    """What the model knows of a job: where it must be, and how its attempts ended."""

    limit: int
    first_limit: int
    place: str = "ready"  # ready, held, succeeded, cancelled or dead
    attempt: int = 0
    claim: int | None = None
    is_cancelled: bool = False
    history: list[str] = field(default_factory=list)

    def end_attempt(self, state: str) -> None:
        """The attempt under way ended so; where the job goes follows from it."""
        if state in ("failed", "expired"):
            if self.is_cancelled:
                state = "cancelled"
            elif self.attempt >= self.limit:
                state = "dead"
        self.claim = None
        if state == "returned":
            self.attempt -= 1
            self.place = "ready"
            return
        self.history.append(state)
        self.place = state if state in ENDED else "ready"

    def redrive(self) -> None:
        """Back with as many attempts as it first had."""
        self.place = "ready"
        self.limit = self.attempt + self.first_limit
        self.is_cancelled = False


def agree(row: Row, job: Job) -> None:
    """What the tables say of a job is what the model says, and it is in one place."""
    places = {"ready": row.ready, "held": row.held, "dead": row.dead}
    assert places == {name: int(job.place == name) for name in places}, (row, job)
    assert row.states == job.history, (row, job)
    assert row.attempts == list(range(1, len(job.history) + 1)), (row, job)
    assert job.attempt <= job.limit, (row, job)
    if job.place == "ready":
        assert row.spent == job.attempt, (row, job)
    shown = {"ready": "cancelled" if job.is_cancelled else "waiting", "held": "running"}
    assert row.state == shown.get(job.place, job.place), (row, job)
