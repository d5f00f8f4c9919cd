"""Tests of handlers that fail, and of backoffs: every error fails its attempt, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from pgqueue import (
    AsyncClient,
    Exponential,
    Fixed,
    JobRecord,
    current_job,
    task,
)
from tests.waiting import until
from tests.worker.answering import answering, once, raising
from tests.worker.conftest import Look, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
AT_ONCE = Fixed(timedelta(0))
KINDS = pytest.mark.parametrize("is_async", [True, False], ids=["async", "blocking"])


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


ERRORS: dict[str, tuple[BaseException, str]] = {
    "an error": (ValueError("bad"), "bad"),
    "of the system": (SystemExit(3), "3"),
    "a keyboard interrupt": (KeyboardInterrupt(), ""),
    "a base exception": (BaseException("base"), "base"),
    "a cancellation of its own": (asyncio.CancelledError("mine"), "mine"),
    "a timeout of its own": (TimeoutError("their server"), "their server"),
    "without words": (Unprintable(), "(its message could not be read: RuntimeError)"),
    "with what jsonb cannot hold": (ValueError("a\x00b\ud800"), "a\\0b\\ud800"),
    "a generator's exit": (GeneratorExit(), ""),
    "many at once": (ExceptionGroup("all", [ValueError("one")]), "all (1 sub-exception)"),
}


@KINDS
@pytest.mark.parametrize("kind", ERRORS)
async def test_an_error_of_whatever_kind_fails_the_attempt_alone(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool, kind: str
) -> None:
    error, message = ERRORS[kind]
    fail = answering(raising(error), is_async=is_async, max_attempts=2)
    well = answering(lambda: None)
    well.name = "well"
    run_worker(fail, well)
    record = await ended(await client.enqueue(fail.job()))
    after = await ended(await client.enqueue(task(name="well")(lambda: None).job()))

    assert [attempt.state for attempt in record.attempts] == ["failed", "dead"]
    assert record.error is not None
    assert (record.error["type"], record.error["message"]) == (type(error).__qualname__, message)
    assert "answers" in record.error["traceback"]
    assert after.state == "succeeded"


@KINDS
async def test_a_stop_iteration_fails_the_attempt_too(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool
) -> None:
    fail = answering(raising(StopIteration()), is_async=is_async, max_attempts=1)
    run_worker(fail)
    record = await ended(await client.enqueue(fail.job()))

    assert record.error is not None
    assert record.error["type"] == "RuntimeError"
    assert "StopIteration" in record.error["traceback"]


async def test_a_huge_traceback_is_cut(client: AsyncClient, run_worker: RunWorker, ended: Ended) -> None:
    fail = answering(raising(ValueError("x" * 1_000_000)), max_attempts=1)
    run_worker(fail)
    record = await ended(await client.enqueue(fail.job()))

    assert record.error is not None
    assert len(record.error["message"]) < 11_000
    assert len(record.error["traceback"]) < 31_000


async def test_the_last_attempt_makes_a_dead_letter_with_the_whole_story(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(max_attempts=3, backoff=AT_ONCE)
    async def fail(who: str) -> None:
        raise ValueError(f"attempt {current_job().attempt}")

    worker = run_worker(fail)
    job = await client.enqueue(fail.job(who="ann"), headers={"tenant": "a"})
    await ended(job)
    (letter,) = await client.dead_letters()

    assert (letter.id, letter.attempt, letter.max_attempts) == (job, 3, 3)
    assert (letter.payload, letter.headers) == ({"who": "ann"}, {"tenant": "a"})
    assert [attempt.state for attempt in letter.attempts] == ["failed", "failed", "dead"]
    assert [attempt.error and attempt.error["message"] for attempt in letter.attempts] == [
        "attempt 1",
        "attempt 2",
        "attempt 3",
    ]
    assert (worker.counts.retried, worker.counts.dead) == (2, 1)


@pytest.mark.parametrize(
    ("backoff", "bounds"),
    [
        (Fixed(timedelta(minutes=3)), (180, 180)),
        (Exponential(base=timedelta(minutes=1), jitter=0), (60, 60)),
        (Exponential(base=timedelta(minutes=1), jitter=0.5), (30, 60)),
        (lambda attempt: timedelta(minutes=attempt), (60, 60)),
    ],
    ids=["fixed", "exponential", "with jitter", "a function"],
)
async def test_the_next_attempt_waits_as_the_backoff_says(
    client: AsyncClient, run_worker: RunWorker, look: Look, backoff: Any, bounds: tuple[int, int]
) -> None:
    fail = answering(raising(ValueError()), backoff=backoff)
    run_worker(fail)
    await client.enqueue(fail.job())
    delay = await until(
        lambda: look("select extract(epoch from retry_at - finished_at) from pgqueue.attempts")
    )

    assert bounds[0] <= delay <= bounds[1]


async def test_a_backoff_that_fails_does_not_fail_the_worker(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    def backoff(attempt: int) -> timedelta:
        raise ZeroDivisionError

    fail = answering(once(ValueError("x"), raises=True), backoff=backoff)
    run_worker(fail)

    assert (await ended(await client.enqueue(fail.job()))).state == "succeeded"
