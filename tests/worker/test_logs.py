"""Tests that every line a handler logs tells which job it is about."""

import logging
from collections.abc import Awaitable, Callable, Iterator

import pytest

from pgqueue import AsyncClient, JobRecord, task
from pgqueue.worker.logs import JobOnLine
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
logger = logging.getLogger("shop")


class Kept(logging.Handler):
    """Keeps the records it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.addFilter(JobOnLine())

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "blocking"])
async def test_a_handlers_lines_tell_their_job(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, kept: Kept, is_async: bool
) -> None:
    def say() -> None:
        logger.info("charged")

    async def say_async() -> None:
        logger.info("charged")

    one = task(name="say")(say_async if is_async else say)
    run_worker(one)
    job = await client.enqueue(one.job())
    await ended(job)

    (record,) = kept.records
    assert (
        vars(record).items()
        >= {
            "job": str(job),
            "attempt": 1,
            "task": "say",
            "queue": "default",
            "about": f"[job {job} attempt 1] ",
        }.items()
    )


def test_other_lines_tell_that_there_is_none(kept: Kept) -> None:
    logger.info("opened")

    (record,) = kept.records
    assert vars(record).items() >= {"job": None, "attempt": None, "about": ""}.items()
