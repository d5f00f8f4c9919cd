"""A job in somebody's hands: one delivery, and the lease a batch of them is held under."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

APART = 10  # the priority of jobs under suspicion of killing their worker: see sql/functions/claim_apart.sql


class Delivery(NamedTuple):
    """One job, claimed for one attempt. A tuple, for it is made once for every job that runs.

    claim: the lease that holds it, and the token that fences it.
    attempt: which delivery this is, from 1; last_attempt: the one after which it dies.
    payload, headers: JSON objects in text. priority: 0 to 9, or 10 if it is held apart.
    """

    claim: int
    id: int
    attempt: int
    last_attempt: int
    queue: str
    task: str
    payload: str
    headers: str | None
    priority: int
    visible_at: datetime
    timeout: timedelta | None
    keep_result: bool

    @property
    def is_apart(self) -> bool:
        """Whether it has been claimed alone, for it may be what killed its workers before."""
        return self.priority == APART


class Sight(NamedTuple):
    """What a claim saw beside the jobs it took. See `pgqueue.floors`.

    more: not all that is due was looked at. paused: queues that were passed over.
    transaction, oldest: if asked for, the claim's own, and the oldest under way before it looked.
    """

    more: bool = False
    paused: tuple[str, ...] = ()
    transaction: int | None = None
    oldest: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A batch of jobs that is ours until `expires_at`, by the database's clock.

    claim: None if nothing was due. claimed_at, expires_at: aware, UTC.
    """

    claim: int | None
    claimed_at: datetime
    expires_at: datetime | None
    deliveries: tuple[Delivery, ...]
    sight: Sight = field(default=Sight(), repr=False, compare=False)

    @property
    def is_apart(self) -> bool:
        """Whether it is of one job that is held apart."""
        return len(self.deliveries) == 1 and self.deliveries[0].is_apart

    def __len__(self) -> int:
        """How many jobs it holds."""
        return len(self.deliveries)

    def __iter__(self) -> Iterator[Delivery]:
        """Its jobs, in the order they should be started."""
        return iter(self.deliveries)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC: drivers answer in the session's time zone."""
    return moment.astimezone(UTC)
