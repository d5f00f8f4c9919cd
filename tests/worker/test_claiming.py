"""Tests of what a worker claims: in which order, from which queues, how many at once."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from pgqueue import AsyncClient, JobRecord, Task, task
from pgqueue.calls.call import Call
from pgqueue.worker import keeper
from pgqueue.worker.line import Line
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import Look, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
ONE = {"concurrency": 1, "ahead": timedelta(microseconds=1)}  # each job claimed by itself
Note = Task[..., Any]


@pytest.fixture
def ran() -> list[str]:
    """What ran, in order."""
    return []


@pytest.fixture
def note(ran: list[str]) -> Note:
    @task(name="note")
    def note(text: str) -> None:
        ran.append(text)

    return note


async def test_urgent_jobs_run_first(
    client: AsyncClient, run_worker: RunWorker, ran: list[str], note: Note
) -> None:
    for priority in (9, 5, 0, 7):
        await client.enqueue(note.job(text=str(priority)), priority=priority)
    await run_worker(note, settings=ONE, drain=True).ended()

    assert ran == ["0", "5", "7", "9"]


async def test_equally_urgent_jobs_run_in_the_order_they_came(
    client: AsyncClient, run_worker: RunWorker, ran: list[str], note: Note
) -> None:
    await client.enqueue_many(note.job(text=str(number)) for number in range(20))
    await run_worker(note, settings=ONE, drain=True).ended()

    assert ran == [str(number) for number in range(20)]


async def test_strict_queues_are_emptied_one_after_the_other(
    client: AsyncClient, run_worker: RunWorker, ran: list[str], note: Note
) -> None:
    for queue in ("c", "a", "b") * 5:
        await client.enqueue(note.job(text=queue), queue=queue)
    await run_worker(note, queues=["b", "c", "a"], strict=True, settings=ONE, drain=True).ended()

    assert ran == ["b"] * 5 + ["c"] * 5 + ["a"] * 5


async def test_weighted_queues_take_turns_by_their_weights(
    client: AsyncClient, run_worker: RunWorker, ran: list[str], note: Note
) -> None:
    for queue in ("often", "seldom"):
        await client.enqueue_many(note.job(text=queue).options(queue=queue) for _ in range(200))
    await run_worker(note, queues={"often": 9, "seldom": 1}, settings=ONE, drain=True).ended()
    first = Counter(ran[:100])

    assert Counter(ran) == {"often": 200, "seldom": 200}
    assert 75 <= first["often"] <= 99
    assert first["seldom"] >= 1


async def test_a_paused_queue_gives_nothing_until_it_is_resumed(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, note: Note
) -> None:
    await client.pause("a")
    paused = await client.enqueue(note.job(text="a"), queue="a")
    worker = run_worker(note, queues=["a", "b"])
    await ended(await client.enqueue(note.job(text="b"), queue="b"))
    await worker.asleep()
    record = await client.get(paused)
    await client.resume("a")
    after = await ended(paused)

    assert record is not None
    assert record.state == "waiting"
    assert after.state == "succeeded"


async def test_what_waited_long_in_a_paused_queue_runs_at_once_when_it_is_resumed(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, note: Note
) -> None:
    job = await client.enqueue(note.job(text="old"), queue="a")
    await look(
        "update pgqueue.ready set visible_at = visible_at - interval '1 hour' where id = %s returning id", job
    )
    await client.pause("a")
    worker = run_worker(note, queues=["a", "b"])
    await ended(await client.enqueue(note.job(text="b"), queue="b"))
    await worker.asleep()
    await client.resume("a")

    assert (await ended(job)).state == "succeeded"


async def test_quick_jobs_are_claimed_many_at_once(
    client: AsyncClient, run_worker: RunWorker, look: Look, note: Note
) -> None:
    await client.enqueue_many(note.job(text="x") for _ in range(5000))
    worker = run_worker(quick(), settings={"concurrency": 10}, drain=True)
    await worker.ended()
    claims = await look("select count(distinct claimed_at) from pgqueue.attempts")

    assert worker.counts.succeeded == 5000
    assert claims < 60


def quick() -> Note:
    @task(name="note")
    async def note(text: str) -> None: ...

    return note


async def test_of_slow_jobs_no_more_are_claimed_than_can_run(
    client: AsyncClient, run_worker: RunWorker, look: Look
) -> None:
    going, go = Counter[str](), asyncio.Event()

    @task
    async def crawl() -> None:
        going["began"] += 1
        await go.wait()

    await client.enqueue_many(crawl.job() for _ in range(50))
    worker = run_worker(crawl, settings={"concurrency": 3})
    await until(lambda: going["began"] == 3)
    held = await look("select count(*) from pgqueue.held")
    go.set()
    await until(lambda: worker.counts.succeeded == 50)

    assert held == 3


async def test_what_is_not_started_within_a_second_is_handed_back_for_a_sibling_to_run(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    go, ran = threading.Event(), []

    @task(name="job")
    def uneven(number: int) -> None:
        ran.append(number)
        if number == 1000:
            go.wait(3 * PATIENCE_SECONDS)

    @task(name="job")
    def even(number: int) -> None: ...

    await client.enqueue_many(uneven.job(number=number) for number in range(1000))
    slow = await client.enqueue(uneven.job(number=1000))
    stuck_behind = await client.enqueue_many(uneven.job(number=number) for number in range(1001, 1400))
    hoarder = run_worker(uneven, settings={"concurrency": 1})
    await until(lambda: 1000 in ran)
    sibling = run_worker(even)
    await until(lambda: look("select count(*) = 1399 from pgqueue.attempts"))
    meanwhile = await client.get(slow)
    go.set()
    record = await ended(slow)

    assert meanwhile is not None
    assert meanwhile.state == "running"
    assert record.state == "succeeded"
    assert hoarder.counts.returned + sibling.counts.succeeded >= len(stuck_behind)
    assert [attempt.number for attempt in (await ended(stuck_behind[-1])).attempts] == [1]


async def test_what_is_handed_back_by_the_worker_on_watch_wakes_a_sibling(
    client: AsyncClient, run_worker: RunWorker, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "UNSTARTED_SECONDS", 3 * PATIENCE_SECONDS)
    go, ran = threading.Event(), []

    @task(name="job")
    def uneven(number: int) -> None:
        ran.append(number)
        if number == 500:
            go.wait(3 * PATIENCE_SECONDS)

    @task(name="job")
    def even(number: int) -> None: ...

    await client.enqueue_many(uneven.job(number=number) for number in range(900))
    hoarder = run_worker(uneven, settings={"concurrency": 1, "ahead": timedelta(minutes=1)})
    await until(lambda: 500 in ran)
    await hoarder.asleep()  # on watch, with all that is left in its hands
    sibling = run_worker(even)
    await sibling.asleep()
    monkeypatch.setattr(keeper, "UNSTARTED_SECONDS", 0.0)
    await until(lambda: look("select count(*) = 899 from pgqueue.attempts"))
    go.set()

    assert sibling.counts.succeeded == 399


async def test_a_drain_misses_nothing_that_falls_due_between_its_last_look_and_its_question(
    client: AsyncClient, run_worker: RunWorker, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow machine: looking found it not due yet, asking found nothing that is due later."""
    run = Line.run

    async def ask_late(line: Line, *calls: Call[Any]) -> list[Any]:
        if [call.function.name for call in calls] == ["next_due"]:
            await until(
                lambda: look(
                    "select coalesce(bool_and(visible_at < pgqueue.now()), true) from pgqueue.waiting"
                )
            )
        return await run(line, *calls)

    @task(name="later")
    async def later() -> None: ...

    monkeypatch.setattr(Line, "run", ask_late)
    await client.enqueue(later.job(), delay=timedelta(seconds=1))
    worker = run_worker(later, drain=True, poll_only=True)
    await worker.ended()

    assert worker.counts.succeeded == 1


async def test_two_workers_share_a_queue_and_run_nothing_twice(
    client: AsyncClient, run_worker: RunWorker
) -> None:
    ran = Counter[int]()

    @task(name="count")
    async def count(number: int) -> None:
        ran[number] += 1

    await client.enqueue_many(count.job(number=number) for number in range(3000))
    workers = [run_worker(count, drain=True) for _ in range(2)]
    for worker in workers:
        await worker.ended()

    assert len(ran) == 3000
    assert set(ran.values()) == {1}
    assert sum(worker.counts.lost for worker in workers) == 0


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "blocking"])
async def test_a_drain_waits_for_retries_that_are_due_later(
    client: AsyncClient, run_worker: RunWorker, is_async: bool
) -> None:
    attempts = []

    @task(name="again", backoff=lambda attempt: timedelta(milliseconds=300), max_attempts=2)
    def again() -> None:
        attempts.append(1)
        if len(attempts) < 2:
            raise ValueError

    @task(name="again", backoff=again.backoff)
    async def again_async() -> None:
        again()

    await client.enqueue(again.job())
    worker = run_worker(again_async if is_async else again, drain=True)
    await worker.ended()

    assert (worker.counts.retried, worker.counts.succeeded) == (1, 1)


async def test_a_drain_ends_as_soon_as_its_last_job_does(client: AsyncClient, run_worker: RunWorker) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task
    async def last() -> None:
        began.set()
        await go.wait()

    await client.enqueue(last.job())
    worker = run_worker(last, drain=True)
    await began.wait()
    await worker.asleep()
    go.set()
    await worker.ended()

    assert worker.counts.succeeded == 1


async def test_a_claimed_job_starts_before_the_next_claim(
    client: AsyncClient, run_worker: RunWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    ran = asyncio.Event()
    run = Line.run

    async def noted(line: Line, *calls: Call[Any]) -> list[Any]:
        events.extend("claim" for call in calls if call.function.name == "claim_pieces")
        return await run(line, *calls)

    @task
    async def work() -> None:
        events.append("handler")
        ran.set()

    monkeypatch.setattr(Line, "run", noted)
    worker = run_worker(work)
    await worker.asleep()
    events.clear()
    await client.enqueue(work.job())
    await asyncio.wait_for(ran.wait(), PATIENCE_SECONDS)

    assert events[:2] == ["claim", "handler"]
