"""Tests that a paused worker takes no new job, finishes what it runs, and leaves the watch to others."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg

from pgqueue import AsyncClient, Task, task
from tests.waiting import until
from tests.worker.conftest import Look, RunWorker

WORKERS = "select array_agg(id order by id) from pgqueue.workers"
WATCHES = "select count(*) from pg_locks where locktype = 'advisory' and granted"


class Gate:
    """A task whose runs say that they have begun, and end when they are let through."""

    def __init__(self) -> None:
        self.begun = asyncio.Semaphore(0)
        self.opened = asyncio.Event()
        self.task: Task[..., Any] = task(name="gate")(self._run)

    async def _run(self) -> None:
        self.begun.release()
        await self.opened.wait()


@task(name="quick")
async def quick() -> None: ...


async def paused(client: AsyncClient, look: Look, running: Any) -> int:
    """The only worker, once it has seen that it is paused."""
    await until(lambda: look(WORKERS))
    (worker,) = await look(WORKERS)
    assert await client.pause_worker(worker)
    await until(lambda: running.worker._pump._is_paused)
    return int(worker)


async def test_a_paused_worker_finishes_what_it_runs_and_takes_nothing_new(
    client: AsyncClient, run_worker: RunWorker, look: Look, ended: Any
) -> None:
    gate = Gate()
    first = await client.enqueue(gate.task.job())
    running = run_worker(gate.task, quick)
    await gate.begun.acquire()
    worker = await paused(client, look, running)

    second = await client.enqueue(quick.job())
    gate.opened.set()
    finished = await ended(first)
    waiting = await client.get(second)
    assert await client.resume_worker(worker)
    resumed = await ended(second)

    assert (finished.state, resumed.state) == ("succeeded", "succeeded")
    assert waiting is not None
    assert (waiting.state, waiting.attempt) == ("waiting", 0)


async def test_what_it_has_not_started_is_handed_back_unspent(
    client: AsyncClient, run_worker: RunWorker, look: Look
) -> None:
    gate = Gate()
    jobs = await client.enqueue_many([gate.task.job() for _ in range(5)])
    running = run_worker(gate.task, settings={"concurrency": 1, "ahead": timedelta(hours=1)})
    await gate.begun.acquire()

    await paused(client, look, running)

    states = "select count(*) from pgqueue.job_states where state = 'waiting' and attempt = 0"
    await until(lambda: look(f"{states} having count(*) = 4"))
    assert len(jobs) == 5
    gate.opened.set()


async def test_the_watch_is_left_to_another(
    client: AsyncClient, run_worker: RunWorker, look: Look, ended: Any
) -> None:
    idle = run_worker(quick)
    await idle.asleep()
    await paused(client, look, idle)
    other = run_worker(quick)
    await other.asleep()

    record = await ended(await client.enqueue(quick.job()))

    assert record.state == "succeeded"
    assert (idle.counts.started, other.counts.started) == (0, 1)


async def test_a_pause_survives_a_lost_connection(
    client: AsyncClient,
    run_worker: RunWorker,
    look: Look,
    async_connection: psycopg.AsyncConnection[Any],
) -> None:
    running = run_worker(quick)
    await running.asleep()
    worker = await paused(client, look, running)

    await look(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and application_name like 'pgqueue%%'"
        " and pid <> pg_backend_pid()"
    )
    await until(lambda: running.counts.reconnects == 1)
    await client.enqueue(quick.job())
    await until(lambda: look("select is_alive from pgqueue.worker_stats()"))

    assert running.counts.started == 0
    assert await look("select pgqueue.is_paused(%s)", worker)
