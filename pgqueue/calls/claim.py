"""Claiming: a batch of due jobs under one lease."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, count, repeat

from pgqueue.calls.call import Call, Row, call, function
from pgqueue.delivery import Delivery, Lease, Sight, utc
from pgqueue.errors import InvalidJob

SHORTEST_LEASE = timedelta(seconds=1)
LARGEST_BATCH = 10_000
delivery = partial(tuple.__new__, Delivery)  # nothing is cheaper to make
SIGHT = -len(Sight._fields)  # where in a row it begins

CLAIM = function(
    "claim_pieces",
    queues="text[]",
    max_jobs="integer",
    lease="interval",
    worker="bigint",
    floors="timestamptz[]",
    floor_ids="bigint[]",
    marked="boolean",
    apart="boolean",
).answering(
    claim="bigint",
    claimed_at="timestamptz",
    expires_at="timestamptz",
    job="bigint",
    attempt="smallint",
    last_attempt="smallint",
    queue="text",
    task="text",
    payloads="text[]",
    headers="text",
    priority="smallint",
    visible_at="timestamptz",
    timeout="interval",
    keep_result="boolean",
    more="boolean",
    paused="text[]",
    transaction="bigint",
    oldest="bigint",
)


def claim(
    queues: Sequence[str],
    *,
    max_jobs: int,
    lease: timedelta,
    worker: int | None = None,
    floors: Sequence[tuple[datetime, int] | None] = (),
    marked: bool = False,
    apart: bool | None = None,
) -> Call[Lease]:
    """Claim up to `max_jobs` due jobs of the queues, in the queues' order, under one lease.

    lease: at least one second. max_jobs: 1 to 10,000.
    floors: ten places per queue (visible_at, id), one a priority; rows below theirs are not looked at.
    marked: tell in `Lease.sight` which transactions were under way.
    apart: whether it may be one job of the line apart, alone (`Delivery.is_apart`): True, before any
        other; False, not; None, where no other is due, and now and then before them.
    """
    if lease < SHORTEST_LEASE:
        raise InvalidJob(f"lease {lease} is under {SHORTEST_LEASE}")
    if not 1 <= max_jobs <= LARGEST_BATCH:
        raise InvalidJob(f"limit {max_jobs} is not 1 to {LARGEST_BATCH}")
    values = {
        "queues": list(queues),
        "max_jobs": max_jobs,
        "lease": lease,
        "worker": worker,
        "floors": [place and place[0] for place in floors],
        "floor_ids": ids_of(floors),
        "marked": marked,
        "apart": apart,
    }
    return call(CLAIM, values, lease_of)


def ids_of(floors: Sequence[tuple[datetime, int] | None]) -> list[int | None]:
    """The ids of the places that have one, up to the last: mostly few or none, and each costs."""
    ids: list[int | None] = [place[1] or None if place else None for place in floors]
    while ids and ids[-1] is None:
        ids.pop()
    return ids


def lease_of(rows: Sequence[Row]) -> Lease:
    """The lease these rows tell of; a single row without a job says that none was due."""
    claim_id, claimed_at, expires_at, job, *_ = rows[0]
    more, paused, transaction, oldest = rows[0][SIGHT:]
    sight = Sight(more, tuple(paused or ()), transaction, oldest)
    if job is None:
        return Lease(None, utc(claimed_at), None, (), sight)
    deliveries = tuple(chain.from_iterable(map(deliveries_of, rows)))
    return Lease(claim_id, utc(claimed_at), utc(expires_at), deliveries, sight)


def deliveries_of(row: Row) -> Iterator[Delivery]:
    """The jobs of a piece of a bundle: their ids follow each other, and only their payloads differ."""
    claim_id, _, _, job, attempt, last_attempt, queue, task, payloads, *rest = row[:SIGHT]
    said = map(repeat, (attempt, last_attempt, queue, task))
    fields = zip(repeat(claim_id), count(job), *said, payloads, *map(repeat, rest), strict=False)
    return map(delivery, fields)
