"""Tests of cutting bulk enqueues: bounded statements, in order, read no further ahead than needed."""

from collections.abc import Iterator

import pytest

from pgqueue import Job, PayloadTooLarge, bulk

LIMIT = 1024 * 1024


def sizes(jobs: Iterator[Job], limit_bytes: int = LIMIT) -> list[int]:
    """How many jobs stand in each statement."""
    return [
        len(dict(zip((name for name, _ in call.function.parameters), call.values, strict=True))["payloads"])
        for call in bulk.chunks(jobs, limit_bytes, ring=True, installation=None)
    ]


def made(count: int, payload: str = "{}") -> Iterator[Job]:
    return (Job(task="t", payload=payload) for _ in range(count))


def test_a_statement_holds_so_many_jobs_at_most() -> None:
    most = bulk.CHUNK_JOBS

    assert sizes(made(2 * most + 1)) == [most, most, 1]
    assert sizes(made(most)) == [most]
    assert sizes(made(0)) == []


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_large_payloads_make_smaller_statements(letter: str) -> None:
    large = letter * (1024 * 1024 // len(letter.encode()))

    assert sizes(made(10, large)) == [4, 4, 2]


def test_jobs_are_read_as_they_are_sent() -> None:
    read = 0

    def counted() -> Iterator[Job]:
        nonlocal read
        for job in made(10_000):
            read += 1
            yield job

    statements = bulk.chunks(counted(), LIMIT, ring=True, installation=None)
    next(statements)

    assert read == bulk.CHUNK_JOBS


def test_a_job_over_the_limit_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        sizes(made(1, "x" * 11), 10)
