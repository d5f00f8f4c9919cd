"""Tests of workers at bundles: they share one, and each of its jobs is told of by itself."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg

from pgqueue import AsyncClient, Fixed, JobRecord, current_job, task
from tests.waiting import until
from tests.worker.conftest import Look, RunWorker
from tests.worker.processes import kill, worker_process

Ended = Callable[[int], Awaitable[JobRecord]]
FEW = 10
NONE_AHEAD = {"ahead": timedelta(microseconds=1)}
BUNDLES = "select count(*) from pgqueue.jobs"


async def test_two_sleepers_share_a_bundle_of_which_one_takes_a_part(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    """The other's poll is out of reach: it is told."""
    ran: Counter[int] = Counter()
    all_at_once = asyncio.Barrier(4)

    @task(name="share")
    async def share(number: int) -> None:
        ran[number] += 1
        if number < 4:
            await all_at_once.wait()

    workers = [run_worker(share, settings={"concurrency": 2} | NONE_AHEAD) for _ in range(2)]
    for worker in workers:
        await worker.asleep()
    jobs = await client.enqueue_many(share.job(number=number) for number in range(FEW))
    states = [(await ended(job)).state for job in jobs]

    assert await look(BUNDLES) == 1
    assert states == ["succeeded"] * FEW
    assert ran == Counter(range(FEW))


async def test_each_job_of_a_bundle_has_its_own_body_result_and_run_time(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    slow = asyncio.Event()

    @task(name="double", keep_result=True)
    async def double(number: int) -> int:
        if number == 5:
            await slow.wait()
        elif number == 9:
            asyncio.get_running_loop().call_later(0.2, slow.set)
        return 2 * number

    run_worker(double, settings={"concurrency": FEW})
    jobs = await client.enqueue_many(double.job(number=number) for number in range(FEW))
    records = [await ended(job) for job in jobs]

    assert await look(BUNDLES) == 1
    assert [record.result for record in records] == [2 * number for number in range(FEW)]
    seconds = [record.attempts[0].run_seconds or 0.0 for record in records]
    assert seconds[5] >= 0.2
    assert max(seconds[:5] + seconds[6:]) < seconds[5]


async def test_run_times_of_a_claim_that_succeeded_whole_are_each_jobs_own(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    @task(name="nap")
    async def nap(number: int) -> None:
        await asyncio.sleep(0.3 if number == 3 else 0)

    jobs = await client.enqueue_many(nap.job(number=number) for number in range(FEW))
    await run_worker(nap, settings={"concurrency": FEW}, drain=True).ended()
    told = [(await ended(job)).attempts[0].run_seconds or 0.0 for job in jobs]

    assert told[3] >= 0.3
    assert max(told[:3] + told[4:]) < 0.3
    assert await look("select sum(size) from pgqueue.outcomes") == FEW


async def test_the_jobs_of_a_bundle_end_each_in_its_own_way(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(name="mixed", max_attempts=2, backoff=Fixed(timedelta(0)), keep_result=True)
    async def mixed(number: int) -> int:
        attempt = current_job().attempt
        if number in (2, 7) or (number == 4 and attempt == 1):
            raise ValueError(number)
        return number * 100 + attempt

    jobs = await client.enqueue_many(mixed.job(number=number) for number in range(FEW))
    run_worker(mixed, settings={"concurrency": 4})
    records = [await ended(job) for job in jobs]

    assert [len(record.attempts) for record in records] == [1, 1, 2, 1, 2, 1, 1, 2, 1, 1]
    assert [record.result for record in records] == [1, 101, None, 301, 402, 501, 601, None, 801, 901]
    letters = {letter.id: letter for letter in await client.dead_letters()}
    assert set(letters) == {jobs[2], jobs[7]}
    assert letters[jobs[7]].payload == {"number": 7}


async def test_a_dead_job_of_a_bundle_is_redriven_alone(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    ran: Counter[int] = Counter()

    @task(name="once_bad", max_attempts=1)
    async def once_bad(number: int) -> None:
        ran[number] += 1
        if number == 6 and ran[number] == 1:
            raise ValueError(number)

    worker = run_worker(once_bad)
    jobs = await client.enqueue_many(once_bad.job(number=number) for number in range(FEW))
    assert (await ended(jobs[6])).state == "dead"
    await worker.asleep()
    assert await client.redrive([jobs[6]]) == [jobs[6]]
    await until(lambda: ran[6] == 2)
    record = await client.wait(jobs[6], timeout=timedelta(seconds=10))

    assert [attempt.state for attempt in record.attempts] == ["dead", "succeeded"]
    assert ran == Counter([*range(FEW), 6])


async def test_a_job_cancelled_in_a_running_bundle_is_cancelled_alone(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    go = asyncio.Event()
    running: set[int] = set()

    @task(name="hold")
    async def hold(number: int) -> None:
        running.add(number)
        await go.wait()

    run_worker(hold, settings={"concurrency": FEW})
    jobs = await client.enqueue_many(hold.job(number=number) for number in range(FEW))
    await until(lambda: len(running) == FEW)
    await client.cancel(jobs[4])
    assert (await ended(jobs[4])).state == "cancelled"
    go.set()
    states = [(await ended(job)).state for job in jobs]

    assert states == ["succeeded"] * 4 + ["cancelled"] + ["succeeded"] * 5


async def test_jobs_of_a_bundle_are_finished_in_their_handlers_transactions_beside_others(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, dsn: str
) -> None:
    @task(name="effect", keep_result=True)
    async def effect(number: int) -> Any:
        if number % 3 == 0:
            async with await psycopg.AsyncConnection.connect(dsn) as connection:
                await current_job().finish_async(connection, result=number)
        return number

    worker = run_worker(effect, settings={"concurrency": FEW})
    jobs = await client.enqueue_many(effect.job(number=number) for number in range(60))
    records = [await ended(job) for job in jobs]
    await worker.stop()

    assert [record.result for record in records] == list(range(60))
    assert {tuple(attempt.state for attempt in record.attempts) for record in records} == {("succeeded",)}
    assert await look("select count(*) from pgqueue.claims") == 0
    assert worker.counts.lost == 0


async def test_what_a_stopped_worker_has_not_started_of_a_bundle_goes_back_unspent(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    go, began = asyncio.Event(), asyncio.Event()

    @task(name="first", keep_result=True)
    async def first(number: int) -> list[int]:
        began.set()
        await go.wait()
        return [number, current_job().attempt]

    worker = run_worker(first, settings={"concurrency": 1, "ahead": timedelta(seconds=10)})
    jobs = await client.enqueue_many(first.job(number=number) for number in range(FEW))
    await began.wait()
    worker.worker.stop()
    go.set()
    await worker.ended()
    run_worker(first)
    records = [await ended(job) for job in jobs]

    assert [record.result for record in records] == [[number, 1] for number in range(FEW)]


async def test_a_bundle_whose_worker_is_killed_is_run_by_another(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, dsn: str
) -> None:
    @task(name="hang", keep_result=True)
    async def rescue() -> int:
        return current_job().attempt

    jobs = await client.enqueue_many(rescue.job() for _ in range(5))
    async with worker_process(dsn) as process:
        await until(lambda: look("select count(*) = 5 from pgqueue.held"))
        worker = run_worker(rescue)
        await worker.asleep()
        kill(process)
        records = [await ended(job) for job in jobs]

    assert {record.result for record in records} == {2}
    assert {tuple(attempt.state for attempt in record.attempts) for record in records} == {
        ("expired", "succeeded")
    }


async def test_a_worker_that_passed_by_a_locked_bundle_does_not_lie_down_before_its_rest_is_there(
    client: AsyncClient, run_worker: RunWorker, dsn: str
) -> None:
    ran: Counter[int] = Counter()

    @task(name="count")
    async def count(number: int) -> None:
        ran[number] += 1

    await client.enqueue_many(count.job(number=number) for number in range(FEW))
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await client.claim("default", connection=connection)
        worker = run_worker(count, settings={"poll": timedelta(minutes=10)})
        await until(lambda: hasattr(worker.worker, "_sentry") and worker.worker._sentry.is_unsure)
        await connection.commit()
    await until(lambda: len(ran) == FEW - 1)

    assert ran == Counter(range(1, FEW))


async def test_a_client_holds_and_ends_parts_of_a_bundle(client: AsyncClient) -> None:
    @task(name="part")
    async def part(number: int) -> None: ...

    jobs = await client.enqueue_many(part.job(number=number) for number in range(FEW))
    lease = await client.claim("default", limit=6)
    rest = await client.claim("default", limit=FEW)

    assert [delivery.id for delivery in (*lease, *rest)] == jobs
    await client.finish(lease.deliveries[2])
    await client.hand_back(lease.deliveries[4:])
    await client.bury(lease.deliveries[3], "no more")
    await client.finish_all(lease)
    await client.finish_all(rest)
    again = await client.claim("default", limit=FEW)
    states = [record.state for job in jobs if (record := await client.get(job))]

    assert sorted(delivery.id for delivery in again) == jobs[4:6]
    assert {delivery.attempt for delivery in again} == {1}
    assert states == [*["succeeded"] * 3, "dead", "running", "running", *["succeeded"] * 4]
