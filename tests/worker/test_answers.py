"""Tests of every way a handler can answer, and what becomes of its job."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pgqueue import (
    AsyncClient,
    Cancel,
    Dead,
    JobRecord,
    Retry,
    Snooze,
    task,
)
from tests.waiting import until
from tests.worker.answering import answering, once, raising
from tests.worker.conftest import Look, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
SOON = timedelta(milliseconds=20)
KINDS = pytest.mark.parametrize("is_async", [True, False], ids=["async", "blocking"])
WAYS = pytest.mark.parametrize("raises", [True, False], ids=["raised", "returned"])


async def test_a_value_is_kept_only_where_it_is_asked_for(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    say = answering(lambda: {"said": "hello"})
    run_worker(say)
    kept = await client.enqueue(say.job(), keep_result=True)
    dropped = await client.enqueue(say.job())

    assert (await ended(kept)).result == {"said": "hello"}
    assert (await ended(dropped)).result is None


@KINDS
@WAYS
async def test_a_retry_counts_as_an_attempt(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool, raises: bool
) -> None:
    again = answering(once(Retry(SOON, reason="not yet"), raises=raises), is_async=is_async, keep_result=True)
    worker = run_worker(again)
    job = await client.enqueue(again.job())
    record = await ended(job)

    assert [attempt.state for attempt in record.attempts] == ["failed", "succeeded"]
    assert record.attempts[0].error is not None
    assert record.attempts[0].error["message"] == "not yet"
    assert (record.attempt, record.result) == (2, "done")
    assert (worker.counts.retried, worker.counts.succeeded) == (1, 1)


async def test_a_retry_waits_as_long_as_it_says(
    client: AsyncClient, run_worker: RunWorker, look: Look
) -> None:
    later = answering(raising(Retry(timedelta(hours=2))))
    run_worker(later)
    job = await client.enqueue(later.job())
    await until(lambda: look("select count(*) from pgqueue.attempts"))
    due = await look("select visible_at - pgqueue.now() from pgqueue.waiting where id = %s", job)

    assert timedelta(hours=1, minutes=59) < due <= timedelta(hours=2)


@KINDS
@WAYS
async def test_a_snooze_gives_the_attempt_back(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool, raises: bool
) -> None:
    doze = answering(once(Snooze(SOON), raises=raises), is_async=is_async, max_attempts=1)
    worker = run_worker(doze)
    record = await ended(await client.enqueue(doze.job()))

    assert [(attempt.number, attempt.state) for attempt in record.attempts] == [(1, "succeeded")]
    assert worker.counts.returned == 1


@KINDS
@WAYS
async def test_cancel_ends_the_job_without_a_dead_letter(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool, raises: bool
) -> None:
    stop = answering(once(Cancel("no longer wanted"), raises=raises), is_async=is_async)
    worker = run_worker(stop)
    record = await ended(await client.enqueue(stop.job()))

    assert record.state == "cancelled"
    assert record.error is not None
    assert record.error["message"] == "no longer wanted"
    assert await client.dead_letters() == []
    assert worker.counts.cancelled == 1


@KINDS
@WAYS
async def test_dead_is_dead_at_once(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, is_async: bool, raises: bool
) -> None:
    give_up = answering(once(Dead("hopeless"), raises=raises), is_async=is_async)
    worker = run_worker(give_up)
    await ended(await client.enqueue(give_up.job()))
    (letter,) = await client.dead_letters()
    (brief,) = await client.dead_letters(brief=True)

    assert letter.error is not None
    assert (letter.error["type"], letter.error["message"], letter.attempt) == ("Dead", "hopeless", 1)
    assert brief == replace(letter, payload={}, headers=None, attempts=())
    assert worker.counts.dead == 1


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), "ResultNotSerializable"),
        ("\x00", "ResultNotSerializable"),
        ("x" * 1000, "PayloadTooLarge"),
    ],
    ids=["an object", "nul", "too large"],
)
async def test_a_result_that_cannot_be_kept_is_dead_at_once(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, value: object, kind: str
) -> None:
    give = answering(lambda: value, keep_result=True)
    run_worker(give, settings={"result_limit_bytes": 1000})
    record = await ended(await client.enqueue(give.job()))

    assert (record.state, record.attempt) == ("dead", 1)
    assert record.error is not None
    assert record.error["type"] == kind


async def test_a_result_whose_own_code_fails_fails_the_attempt(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    class Broken:
        @property
        def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
            raise SystemExit(1)

    give = answering(Broken, keep_result=True, max_attempts=1)
    run_worker(give)

    assert (await ended(await client.enqueue(give.job()))).state == "dead"


async def test_a_job_of_an_unknown_task_is_handed_back_unspent_with_a_warning(
    client: AsyncClient, run_worker: RunWorker, look: Look, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = task(name="stranger", max_attempts=1)(lambda: None)
    worker = run_worker(settings={"unknown_delay": timedelta(minutes=5)})
    job = await client.enqueue(stranger.job())
    with caplog.at_level(logging.WARNING):
        await until(lambda: worker.counts.unknown)
    due = await until(
        lambda: look(
            "select visible_at - pgqueue.now() from pgqueue.waiting where id = %s and attempt = 0", job
        )
    )

    assert timedelta(minutes=4) < due <= timedelta(minutes=5)
    assert (worker.counts.unknown, worker.counts.returned) == (1, 1)
    assert "task 'stranger', unknown to this worker" in caplog.text


@pytest.mark.parametrize(
    "case",
    [('{"count": "many"}', "count"), ('{"count": 1, "extra": 2}', "extra"), ("{}", "count")],
    ids=["of the wrong type", "too many", "missing"],
)
async def test_arguments_that_do_not_fit_are_dead_at_once_and_the_field_is_named(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, case: tuple[str, str]
) -> None:
    payload, field = case

    @task(name="order")
    async def order(count: int) -> None: ...

    run_worker(order)
    job = await look(
        "select pgqueue.enqueue(queue => 'default', task => 'order', payload => %s::jsonb)", payload
    )
    record = await ended(job)

    assert (record.state, record.attempt) == ("dead", 1)
    assert record.error is not None
    assert record.error["type"] == "InvalidPayload"
    assert field in record.error["message"]
