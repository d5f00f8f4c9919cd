"""Tests that dead workers' jobs are given back whoever is frozen, killed or promoted meanwhile.

The leases are longer than a test's patience: what is recovered here, is recovered before they end.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Generator
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, JobRecord, current_job, task
from pgqueue.calls.call import Call, call, function, nothing
from pgqueue.calls.duty import duty_beats
from pgqueue.maintenance import Maintenance
from pgqueue.worker.connections import Connections, no_greeting
from pgqueue.worker.line import Line
from tests.waiting import until as until_soon
from tests.worker.conftest import Look, RunWorker
from tests.worker.processes import kill, worker_process

PATIENCE_SECONDS = 120.0  # on a machine with nothing else to do: ten
until = partial(until_soon, seconds=PATIENCE_SECONDS)
NOTHING_DONE = Maintenance(0, (), (), emptied=0, deleted=0, next_round=timedelta(minutes=1))
Recovered = Callable[[int], Awaitable[JobRecord]]
CLAIMS = "select count(*) from pgqueue.claims"
WORKERS = "select count(*) = %s from pgqueue.workers"
BEATS = "select last_value from pgqueue.duty_beats"


@pytest.fixture
def recovered(client: AsyncClient) -> Recovered:
    """Waits until a job has ended, for less than its lease."""

    async def wait(job: int) -> JobRecord:
        return await client.wait(job, timeout=timedelta(seconds=PATIENCE_SECONDS))

    return wait


@task(name="hang", keep_result=True)
async def rescue() -> int:
    return current_job().attempt


async def someone_on_duty(look: Look) -> None:
    """The duty beats."""
    first = await look(BEATS)
    await until(lambda: look(f"{BEATS} where last_value > %s", first))


async def test_a_frozen_worker_on_duty_and_a_frozen_deputy_stop_nothing(
    client: AsyncClient, run_worker: RunWorker, recovered: Recovered, look: Look, dsn: str
) -> None:
    async with (
        worker_process(dsn, queue="elsewhere") as frozen,
        worker_process(dsn, queue="elsewhere") as frozen_too,
    ):
        await until(lambda: look(WORKERS, 2))
        await someone_on_duty(look)
        for process in (frozen, frozen_too):
            process.send_signal(signal.SIGSTOP)
        job = await client.enqueue(rescue.job())
        async with worker_process(dsn) as killed:
            await until(lambda: look(CLAIMS))
            kill(killed)
        run_worker(rescue)
        record = await recovered(job)
        for process in (frozen, frozen_too):
            process.send_signal(signal.SIGCONT)
        await until(lambda: look(WORKERS, 3))

        assert [attempt.state for attempt in record.attempts] == ["expired", "succeeded"]
        assert (frozen.returncode, frozen_too.returncode) == (None, None)


async def test_the_one_on_duty_and_its_deputy_may_die_at_once(
    client: AsyncClient, run_worker: RunWorker, recovered: Recovered, look: Look, dsn: str
) -> None:
    jobs = [await client.enqueue(rescue.job(), queue=queue) for queue in ("one", "other")]
    async with worker_process(dsn, queue="one") as one, worker_process(dsn, queue="other") as other:
        await until(lambda: look(f"{CLAIMS} having count(*) = 2"))
        await someone_on_duty(look)
        worker = run_worker(rescue, queues=["one", "other"])
        await worker.asleep()
        kill(one, other)
        records = [await recovered(job) for job in jobs]

    assert [record.result for record in records] == [2, 2]
    await until(lambda: look(WORKERS, 1))


async def test_a_promotion_is_nobodys_death(
    client: AsyncClient, run_worker: RunWorker, recovered: Recovered, look: Look, dsn: str
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> int:
        began.set()
        await go.wait()
        return current_job().attempt

    async with worker_process(dsn, queue="elsewhere") as on_duty:
        await someone_on_duty(look)
        worker = run_worker(work)
        job = await client.enqueue(work.job())
        await began.wait()
        kill(on_duty)
        await until(lambda: worker.worker._steward.keeps_house)
        await until(lambda: look(WORKERS, 1))  # the dead one is struck off: a round was done
    go.set()
    record = await recovered(job)

    assert (record.result, worker.counts.lost) == (1, 0)


async def test_a_worker_frozen_beyond_its_lease_changes_nothing_and_works_on(
    client: AsyncClient, run_worker: RunWorker, recovered: Recovered, look: Look, dsn: str
) -> None:
    @task(name="count")
    async def count(number: int) -> None: ...

    job = await client.enqueue(rescue.job())
    async with worker_process(dsn, lease_seconds=1) as frozen:
        await until(lambda: look(CLAIMS))
        frozen.send_signal(signal.SIGSTOP)
        worker = run_worker(rescue)
        record = await recovered(job)
        await worker.stop()
        frozen.send_signal(signal.SIGCONT)
        after = await recovered(await client.enqueue(count.job(number=1)))

    assert [attempt.state for attempt in record.attempts] == ["expired", "succeeded"]
    assert [attempt.state for attempt in after.attempts] == ["succeeded"]
    assert await look("select count(*) from pgqueue.attempts where job_id = %s", job) == 2


async def test_workers_that_only_poll_keep_the_house_where_nobody_else_does(
    client: AsyncClient, run_worker: RunWorker, recovered: Recovered, look: Look, dsn: str
) -> None:
    job = await client.enqueue(rescue.job())
    async with worker_process(dsn):
        await until(lambda: look(CLAIMS))
    run_worker(rescue, poll_only=True, settings={"poll": timedelta(milliseconds=50)})

    assert (await recovered(job)).result == 2


async def test_a_worker_that_only_polls_leaves_the_house_to_the_one_on_duty(
    run_worker: RunWorker, look: Look
) -> None:
    run_worker(rescue)
    await someone_on_duty(look)
    polling = run_worker(rescue, poll_only=True)
    await until(lambda: getattr(polling.worker, "_steward", None) and polling.worker._steward._duty._beats)
    first = polling.worker._steward._duty._beats
    await until(lambda: polling.worker._steward._duty._beats != first)

    assert not polling.worker._steward.keeps_house


async def test_a_worker_that_lost_only_its_direct_connection_keeps_its_jobs(
    client: AsyncClient, run_worker: RunWorker, recovered: Recovered, look: Look, dsn: str
) -> None:
    """It works on through the pooler, though the lock that says it lives is gone."""
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> int:
        began.set()
        await go.wait()
        return current_job().attempt

    run_worker(rescue)
    await someone_on_duty(look)
    worker = run_worker(work, dsn=f"{dsn}&application_name=pooled", watch_dsn=dsn, queues=["pooled"])
    job = await client.enqueue(work.job(), queue="pooled")
    await began.wait()
    guard = worker.worker._connections.guard
    assert guard is not None
    guard.dsn = "host=/nowhere"
    await look("select pg_terminate_backend(%s)", guard.backend_pid)
    await until(lambda: look(WORKERS, 1))
    beats = await look(BEATS)
    await until(lambda: look(f"{BEATS} where last_value > %s", beats + 4))  # so long it would count as dead
    go.set()

    assert (await recovered(job)).result == 1
    guard.dsn = dsn
    await until(lambda: look(WORKERS, 2))


async def test_maintenance_holds_up_nobody(
    client: AsyncClient,
    run_worker: RunWorker,
    recovered: Recovered,
    async_connection: psycopg.AsyncConnection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A step of it may move thousands of rows: jobs are claimed and leases extended meanwhile."""
    await async_connection.execute("select pg_advisory_lock(1)")
    await async_connection.execute(
        "create function pgqueue.stall() returns void language sql set lock_timeout = 0"
        " as 'select pg_advisory_lock(1)'"
    )
    monkeypatch.setattr("pgqueue.worker.caretaker.maintenance", stalling)
    run_worker(rescue)
    await until(lambda: is_stalled(async_connection))

    assert (await recovered(await client.enqueue(rescue.job()))).result == 1
    assert await is_stalled(async_connection)


async def test_maintenance_is_done_also_where_no_connection_is_left_for_it(
    run_worker: RunWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asyncio.Event()

    def script() -> Generator[Call[int], int, Maintenance]:
        if (yield duty_beats()):
            done.set()
        return NOTHING_DONE

    def unreachable(connections: Connections) -> Line:
        return Line("host=/nowhere", schema="pgqueue", options={}, greeting=no_greeting)

    monkeypatch.setattr("pgqueue.worker.caretaker.maintenance", script)
    monkeypatch.setattr(Connections, "another", unreachable)
    run_worker(rescue)

    await until(done.is_set)


def stalling() -> Generator[Call[None], None, Maintenance]:
    """A round of maintenance that takes long."""
    yield call(function("stall"), {}, nothing)
    return NOTHING_DONE


async def is_stalled(connection: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await connection.execute(
        "select exists (select from pg_locks where locktype = 'advisory' and objid = 1 and not granted)"
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
