"""Tests of wakeups with more workers than may listen, and with more jobs at once than one worker takes.

The net is out of reach: what is found is found because somebody was told, or looked for a place.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, Task, task
from tests.waiting import until
from tests.worker.conftest import Running, RunWorker

NET = timedelta(minutes=10)
EARSHOT = 9  # the watch and its eight posts


class Gate:
    """A task whose handlers say that they have begun, and go on until they are let go."""

    def __init__(self) -> None:
        self.began = 0
        self.go = asyncio.Event()

        @task(name="gated")
        async def gated() -> None:
            self.began += 1
            await self.go.wait()

        self.task: Task[[], Any] = gated


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """By himself, that is: who finds work was told."""
    monkeypatch.setattr("pgqueue.worker.sentry.SOONEST_LOOK_SECONDS", 600.0)
    monkeypatch.setattr("pgqueue.worker.sentry.RESERVE_SECONDS", 600.0)


def places(workers: Sequence[Running]) -> int:
    """How many of them are told when there is work."""
    sentries = [worker.worker._sentry for worker in workers]
    return sum(len(sentry._watched) + len(sentry._posts) for sentry in sentries)


async def a_fleet_asleep(run_worker: RunWorker, size: int, *tasks: Task[..., Any]) -> list[Running]:
    settings = {"poll": NET, "concurrency": 1}
    workers = [run_worker(*tasks, settings=settings) for _ in range(size)]
    for worker in workers:
        await worker.asleep()
    return workers


async def test_nine_are_told_and_no_more(run_worker: RunWorker, gate: Gate) -> None:
    workers = await a_fleet_asleep(run_worker, 12, gate.task)
    await until(lambda: places(workers) == EARSHOT)

    assert sum(bool(worker.worker._sentry._watched) for worker in workers) == 1


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one by one"])
async def test_a_burst_of_slow_jobs_puts_every_idle_worker_to_work(
    client: AsyncClient, run_worker: RunWorker, gate: Gate, at_once: bool
) -> None:
    workers = await a_fleet_asleep(run_worker, 12, gate.task)
    if at_once:
        await client.enqueue_many(gate.task.job() for _ in workers)
    else:
        for _ in workers:
            await client.enqueue(gate.task.job())
    await until(lambda: gate.began == len(workers))
    gate.go.set()
    await until(lambda: sum(worker.counts.succeeded for worker in workers) == len(workers))

    assert {worker.counts.succeeded for worker in workers} == {1}


@pytest.mark.usefixtures("nobody_looks")
async def test_a_burst_no_larger_than_those_who_hear_runs_down_the_line(
    client: AsyncClient, run_worker: RunWorker, gate: Gate
) -> None:
    workers = await a_fleet_asleep(run_worker, EARSHOT, gate.task)
    for _ in workers:
        await client.enqueue(gate.task.job())
    await until(lambda: gate.began == EARSHOT)
    gate.go.set()

    await until(lambda: sum(worker.counts.succeeded for worker in workers) == EARSHOT)


async def test_a_place_that_falls_empty_is_filled_from_the_reserve(run_worker: RunWorker, gate: Gate) -> None:
    workers = await a_fleet_asleep(run_worker, 11, gate.task)
    for worker in [worker for worker in workers if places([worker])][:2]:
        await worker.stop()
        workers.remove(worker)

    await until(lambda: places(workers) == EARSHOT)


async def test_a_fleet_asleep_does_not_listen_but_for_those_who_are_told(
    run_worker: RunWorker, gate: Gate, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has worked for a while listens for cancellations, and stops when the work is done."""
    monkeypatch.setattr("pgqueue.worker.keeper.TICK_SECONDS", 0.05)
    (worker,) = await a_fleet_asleep(run_worker, 1, gate.task)
    keeper = worker.worker._keeper
    before = keeper._listens
    await client.enqueue(gate.task.job())
    await until(lambda: keeper._listens)
    gate.go.set()

    await until(lambda: not keeper._listens)
    assert not before


@pytest.mark.parametrize(("workers", "enqueuers"), [(1, 1), (1, 16), (16, 1), (16, 16)])
@pytest.mark.usefixtures("nobody_looks")
async def test_no_wakeup_is_lost(
    run_worker: RunWorker, client: AsyncClient, dsn: str, workers: int, enqueuers: int
) -> None:
    """Transactions of all lengths, with pauses in which the workers lie down."""
    ran = Counter[int]()

    @task(name="count")
    async def count(number: int) -> None:
        ran[number] += 1

    for _ in range(workers):
        run_worker(count, settings={"poll": NET})

    async def enqueue(start: int) -> None:
        chance = random.Random(start)
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            for number in range(start, 64, enqueuers):
                await client.enqueue(count.job(number=number), connection=connection)
                if chance.random() < 0.3:
                    await connection.execute("select pg_sleep(%s)", [chance.random() * 0.2])
                await connection.commit()
                await asyncio.sleep(chance.choice([0, 0, 0.005, 0.02, 0.06]))

    await asyncio.gather(*(enqueue(start) for start in range(enqueuers)))
    await until(lambda: len(ran) == 64)

    assert set(ran.values()) == {1}
