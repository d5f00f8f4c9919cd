"""Deliveries and leases made by hand, for tests that need no database."""

from datetime import UTC, datetime, timedelta

from pgqueue.delivery import Delivery, Lease

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def delivery(
    job: int = 7,
    *,
    claim: int = 1,
    attempt: int = 1,
    last_attempt: int = 5,
    queue: str = "q",
    priority: int = 5,
    visible_at: datetime = NOON,
    keep_result: bool = False,
    timeout: timedelta | None = None,
) -> Delivery:
    return Delivery(
        claim=claim,
        id=job,
        attempt=attempt,
        last_attempt=last_attempt,
        queue=queue,
        task="send",
        payload="{}",
        headers=None,
        priority=priority,
        visible_at=visible_at,
        timeout=timeout,
        keep_result=keep_result,
    )


def lease(*deliveries: Delivery, claim: int | None = 1, claimed_at: datetime = NOON) -> Lease:
    """A lease over these; none of them, and it is one that found nothing."""
    ends = claimed_at + timedelta(minutes=1)
    return Lease(claim if deliveries else None, claimed_at, ends if deliveries else None, deliveries)


class Clock:
    """A steady clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
