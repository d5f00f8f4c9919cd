"""Bulk enqueueing cut into statements of bounded size, so that memory stays bounded whatever is given."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from pgqueue.calls.call import Call
from pgqueue.calls.enqueue import check_size, enqueue_many
from pgqueue.job import Job

CHUNK_JOBS = 250  # measured: the server works on one while we make the next; larger ones leave it idle
CHUNK_BYTES = 4 * 1024 * 1024


def chunks(
    jobs: Iterable[Job], limit_bytes: int, *, ring: bool, installation: UUID | None
) -> Iterator[Call[list[int]]]:
    """The statements that enqueue these jobs, each made when it is asked for."""
    chunk: list[Job] = []
    size_bytes = 0
    for job in jobs:
        size_bytes += check_size(job, limit_bytes)
        chunk.append(job)
        if len(chunk) == CHUNK_JOBS or size_bytes >= CHUNK_BYTES:
            yield enqueue_many(chunk, ring=ring, installation=installation)
            chunk, size_bytes = [], 0
    if chunk:
        yield enqueue_many(chunk, ring=ring, installation=installation)
