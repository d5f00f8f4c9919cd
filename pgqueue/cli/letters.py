"""Which dead letters a command means: those named, or those that fit its filters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from pgqueue import Client, DeadLetter
from pgqueue.cli.failures import CommandMisused

PAGE = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """What a dead letter must be like; None fits all."""

    queue: str | None = None
    task: str | None = None
    error_type: str | None = None
    died_since: datetime | None = None
    died_before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it fits every letter."""
        return self == Filter()


def matching(
    client: Client, connection: "psycopg.Connection[Any]", wanted: Filter, limit: int | None = None
) -> Iterator[DeadLetter]:
    """The letters that fit, in brief, newest first, at most `limit`, read page by page."""
    last: DeadLetter | None = None
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = client.dead_letters(
            queue=wanted.queue,
            task=wanted.task,
            error_type=wanted.error_type,
            died_since=wanted.died_since,
            died_before=wanted.died_before,
            before=last,
            limit=size,
            brief=True,
            connection=connection,
        )
        yield from page
        if len(page) < size:
            return
        last = page[-1]
        left = None if left is None else left - size


def check_choice(job_ids: Sequence[int], wanted: Filter, *, everything: bool) -> None:
    """Refuse a command that does not say which letters it means, or says it twice. Raises CommandMisused."""
    ways = [bool(job_ids), not wanted.is_empty, everything]
    if not any(ways):
        raise CommandMisused(
            "which dead letters? Give ids, --queue, --task, --error, --since or --before, or --all"
        )
    if sum(ways) > 1:
        raise CommandMisused("ids, filters and --all exclude each other: give one of them")
