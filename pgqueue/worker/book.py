"""What a worker holds: jobs not started, jobs running, and endings not yet reported.

It only keeps count; it runs nothing and reports nothing.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pgqueue.calls.finish import Ending
from pgqueue.delivery import Delivery, Lease
from pgqueue.worker.running_job import RunningJob

PARTIAL_AFTER_SECONDS = 0.1  # a claim is rewritten for a part of its jobs this seldom

Word = Ending | float
"""How a job ended; a plain success is only its run time in seconds: the usual case costs nothing more."""


@dataclass(slots=True)
class Held:
    """One claim: its jobs in order, which of them have ended and how, and how many have not.

    taken, renewed: when it was claimed and last extended, by our own steady clock.
    is_apart: it is of one job that may kill us: we hold one such at a time.
    """

    jobs: tuple[int, ...]
    taken: float
    renewed: float
    left: int
    is_apart: bool = False
    endings: dict[int, Word] = field(default_factory=dict)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """What is reported of one claim.

    is_plain: whether all of the claim's jobs simply succeeded.
    """

    claim: int
    held: Held
    endings: dict[int, Word]
    is_plain: bool = field(init=False)

    def __post_init__(self) -> None:
        """Look once: it is asked often."""
        is_plain = (
            self.held.is_whole
            and len(self.endings) == len(self.held.jobs)
            and all(type(word) is float for word in self.endings.values())
        )
        object.__setattr__(self, "is_plain", is_plain)


class Book:
    """The worker's own account of its claims.

    changed: called when there may be something new to report or to claim.
    """

    def __init__(self, *, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.waiting: deque[Delivery] = deque()
        self.running: set[RunningJob] = set()
        self.claims: dict[int, Held] = {}
        self._ended: dict[int, float] = {}  # claims with endings to report, and since when (or from when on)
        self._changed = changed
        self._clock = clock

    @property
    def held(self) -> int:
        """Jobs waiting here or running."""
        return len(self.waiting) + len(self.running)

    @property
    def holds_apart(self) -> bool:
        """Whether a job that is to be held apart is here."""
        return any(held.is_apart for held in self.claims.values())

    @property
    def has_endings(self) -> bool:
        """Whether some endings wait to be told."""
        return bool(self._ended)

    def take(self, lease: Lease) -> None:
        """Jobs were claimed."""
        if lease.claim is not None:
            jobs = tuple(delivery.id for delivery in lease.deliveries)
            now = self._clock()
            self.claims[lease.claim] = Held(jobs, now, now, len(jobs), is_apart=lease.is_apart)
            self.waiting.extend(lease.deliveries)

    def ended(self, delivery: Delivery, word: Word) -> None:
        """A job ended. Of a claim that is lost nothing is kept."""
        held = self.claims.get(delivery.claim)
        if held is None:
            self._changed()
            return
        held.endings[delivery.id] = word
        held.left -= 1
        self._ended.setdefault(delivery.claim, self._clock())
        self._changed()

    def room_made(self) -> None:
        """One more may run than before, though no job of ours has ended."""
        self._changed()

    def report(self, *, everything: bool = False) -> list[Part]:
        """What is worth telling now: claims that have wholly ended, and parts that have waited long enough.

        What is taken is gone from the book until `restore`.
        """
        parts = []
        now = self._clock()
        for claim, since in tuple(self._ended.items()):
            held = self.claims[claim]
            due = since + PARTIAL_AFTER_SECONDS if held.left else since
            if due > now and not everything:
                continue
            parts.append(Part(claim, held, held.endings))
            held.endings = {}
            del self._ended[claim]
            if held.left:
                held.is_whole = False
            else:
                del self.claims[claim]
        return parts

    def restore(self, parts: list[Part], *, after_seconds: float = 0.0) -> None:
        """It could not be told: keep it for later."""
        since = self._clock() + after_seconds
        for part in parts:
            held = self.claims.setdefault(part.claim, part.held)
            held.endings.update(part.endings)
            self._ended[part.claim] = since

    def restore_endings(
        self, parts: list[Part], endings: Sequence[Ending], *, after_seconds: float = 0.0
    ) -> None:
        """Of these parts, only these endings could not be told."""
        left = {ending.job for ending in endings}
        untold = [
            Part(part.claim, part.held, {job: word for job, word in part.endings.items() if job in left})
            for part in parts
        ]
        for part in untold:
            part.held.is_whole = False
        self.restore([part for part in untold if part.endings], after_seconds=after_seconds)

    def lose(self, claim: int) -> list[RunningJob]:
        """The lease of a claim is lost: forget it. Returns its jobs that run."""
        self.claims.pop(claim, None)
        self._ended.pop(claim, None)
        self.waiting = deque(delivery for delivery in self.waiting if delivery.claim != claim)
        self._changed()
        return [job for job in self.running if job.delivery.claim == claim]

    def recall(self, job_id: int) -> list[Delivery]:
        """The job of this id if it waits here, which it then does no longer."""
        recalled = [delivery for delivery in self.waiting if delivery.id == job_id]
        for delivery in recalled:
            self.waiting.remove(delivery)
        return recalled

    def doubt(self) -> None:
        """We were cut off: whether the claims are still ours is to be asked at once."""
        for held in self.claims.values():
            held.renewed = -float("inf")

    def put_down(self) -> list[Delivery]:
        """Every job not started yet, which is then no longer waiting here."""
        unstarted = list(self.waiting)
        self.waiting.clear()
        return unstarted
