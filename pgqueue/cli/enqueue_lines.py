"""Enqueues lines of jobs, and tells which are bad; it must never hold more than a chunk of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from pgqueue import Client, Job
from pgqueue.cli.job_lines import BadLine, Line, job_of
from pgqueue.drivers.failures import message_of
from pgqueue.errors import InvalidJob

CHUNK_JOBS = 1_000  # in one transaction: few commits to wait for, and little to do again where a line is bad
CHUNK_BYTES = 4 * 1024 * 1024
MOST_TOLD = 1_000  # bad lines told one by one; beyond them it is the file that is wrong

Numbered = tuple[int, Job]


@dataclass(slots=True)
class Progress:
    """How far the lines are.

    through: the last line that is committed or refused. under_way: the first and the last
    line of what is being committed: until that is answered, nobody knows whether it is in.
    told: the first bad lines, each with its reason.
    """

    enqueued: int = 0
    bad: int = 0
    through: int = 0
    under_way: tuple[int, int] | None = None
    told: list[tuple[int, str]] = field(default_factory=list)

    def settled(self, number: int) -> None:
        """All up to this line are in, or told to be bad."""
        self.through, self.under_way = number, None


class LineSender:
    """Sends jobs in chunks, each a transaction of its own, or with `strict` all in one or none.

    tell: called for each bad line with its number and what is wrong, up to MOST_TOLD of them.
    """

    def __init__(
        self,
        client: Client,
        connection: "psycopg.Connection[Any]",
        *,
        strict: bool,
        tell: Callable[[int, str], None],
    ) -> None:
        self.progress = Progress()
        self._client = client
        self._connection = connection
        self._strict = strict
        self._tell = tell

    def send(self, lines: Iterable[Line]) -> Progress:
        """Enqueue what can be. With `strict` a bad line undoes all, and those after it are only checked."""
        if self._strict:
            self._send_as_one(lines)
        else:
            self._send_chunks(lines)
        return self.progress

    def _send_as_one(self, lines: Iterable[Line]) -> None:
        progress = self.progress
        enqueued = 0
        with self._connection.transaction():
            try:
                self._send_chunks(lines)
                enqueued, last = progress.enqueued, progress.through
            finally:  # nothing is in before the commit
                progress.enqueued, progress.through, progress.under_way = 0, 0, None
            if progress.bad:
                raise psycopg.Rollback
            progress.under_way = (1, last)
        if not progress.bad:
            progress.enqueued = enqueued
            progress.settled(last)

    def _send_chunks(self, lines: Iterable[Line]) -> None:
        for chunk in chunks(self._jobs(lines)):
            self._enqueue(chunk)

    def _jobs(self, lines: Iterable[Line]) -> Iterator[Numbered]:
        for line in lines:
            try:
                yield line.number, job_of(line)
            except BadLine as error:
                self._refuse(line.number, str(error))

    def _enqueue(self, jobs: Sequence[Numbered]) -> None:
        """Enqueue these; what the server refuses is found by halves."""
        if self._strict and self.progress.bad:
            return
        try:
            with self._connection.transaction():
                self._client.enqueue_many([job for _, job in jobs], connection=self._connection)
                self.progress.under_way = (jobs[0][0], jobs[-1][0])
        except (InvalidJob, psycopg.DataError) as error:
            if len(jobs) == 1:
                self._refuse(jobs[0][0], message_of(error))
                self.progress.settled(jobs[0][0])
            else:
                half = len(jobs) // 2
                self._enqueue(jobs[:half])
                self._enqueue(jobs[half:])
        else:
            self.progress.enqueued += len(jobs)
            self.progress.settled(jobs[-1][0])

    def _refuse(self, number: int, reason: str) -> None:
        self.progress.bad += 1
        if self.progress.bad <= MOST_TOLD:
            self.progress.told.append((number, reason))
            self._tell(number, reason)


def chunks(jobs: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """The jobs some at a time: bounded in number and in bytes."""
    chunk: list[Numbered] = []
    size_bytes = 0
    for numbered in jobs:
        chunk.append(numbered)
        size_bytes += len(numbered[1].payload)
        if len(chunk) == CHUNK_JOBS or size_bytes >= CHUNK_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk
