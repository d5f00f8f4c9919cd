"""Tests of workers on a bad network: none hangs, lost leases are told, nothing runs zero times."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import psycopg
import pytest

from pgqueue import AsyncClient, Fixed, JobRecord, current_job, task
from pgqueue.worker.line import patience_for
from tests.waiting import until
from tests.worker.conftest import Look, Running, RunWorker
from tests.worker.proxy import Proxy

Ended = Callable[[int], Awaitable[JobRecord]]
AT_ONCE = Fixed(timedelta(0))
LONG_LEASE = {"lease": timedelta(minutes=10)}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers wait for an answer for two seconds, and connect anew without long pauses."""
    monkeypatch.setattr("pgqueue.worker.line.LEAST_PATIENCE_SECONDS", 2.0)
    monkeypatch.setattr("pgqueue.worker.line.MOST_PATIENCE_SECONDS", 2.0)
    monkeypatch.setattr("pgqueue.worker.line.LONGEST_PAUSE_SECONDS", 0.5)


def quickly(network: Proxy) -> str:
    """Through the network, waiting for a connection no longer than libpq can be told."""
    return f"{network.dsn}&connect_timeout=2"


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


@pytest.mark.usefixtures("impatient")
async def test_a_worker_asleep_on_a_network_gone_silent_comes_back_by_itself(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, network: Proxy
) -> None:
    worker = run_worker(quick, dsn=quickly(network))
    await worker.asleep()
    network.silence()
    await until(partial(is_cut_off, worker))
    job = await client.enqueue(quick.job())
    network.heal()
    record = await ended(job)

    assert (record.state, record.result) == ("succeeded", 1)


def is_cut_off(worker: Running) -> bool:
    return not worker.worker._connections.line.is_connected


@pytest.mark.usefixtures("impatient")
async def test_jobs_of_a_worker_cut_off_go_to_others_when_its_lease_ends_and_not_before(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, network: Proxy
) -> None:
    """The server does not see its session end: nobody may take it for dead."""
    began, go = asyncio.Event(), asyncio.Event()

    @task(name="work", keep_result=True, backoff=AT_ONCE)
    async def work() -> int:
        if current_job().attempt == 1:
            began.set()
            await go.wait()
        return current_job().attempt

    first = run_worker(work, dsn=quickly(network), settings={"lease": timedelta(seconds=4)})
    job = await client.enqueue(work.job())
    await began.wait()
    network.silence()
    await until(partial(is_cut_off, first))
    run_worker(work)
    record = await ended(job)
    early = await look(
        "select finished_at - claimed_at < interval '4 s' from pgqueue.attempts where state = 'expired'"
    )
    go.set()
    network.heal()
    await until(lambda: first.counts.lost)

    assert [(attempt.number, attempt.state) for attempt in record.attempts] == [
        (1, "expired"),
        (2, "succeeded"),
    ]
    assert early is False
    assert (await client.get(job)) == record, "a late report under a lost lease changes nothing"
    assert await look("select count(*) from pgqueue.claims") == 0


@pytest.mark.usefixtures("impatient")
async def test_what_ended_while_the_network_was_silent_is_told_after(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, network: Proxy
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> int:
        began.set()
        await go.wait()
        return current_job().attempt

    worker = run_worker(work, dsn=quickly(network), settings=LONG_LEASE)
    job = await client.enqueue(work.job())
    await began.wait()
    network.silence()
    go.set()
    await until(partial(is_cut_off, worker))
    network.heal()
    record = await ended(job)

    assert (record.result, record.attempt) == (1, 1)
    assert worker.counts.lost == 0


async def test_a_worker_stops_on_a_silent_network(
    run_worker: RunWorker, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgqueue.worker.worker.LEAVE_SECONDS", 0.2)
    monkeypatch.setattr("pgqueue.worker.worker.STOP_MARGIN_SECONDS", 0.2)
    monkeypatch.setattr("pgqueue.worker.connections.LEAVE_SECONDS", 0.2)
    worker = run_worker(quick, dsn=network.dsn, settings={"grace": timedelta(hours=1)})
    await worker.asleep()
    line = worker.worker._connections.line
    network.silence()
    worker.worker._pump.look()
    await until(line._turn.locked)  # it asks, and will not be answered

    await worker.stop()


@pytest.mark.parametrize("says", ["nothing", "only hello"])
async def test_a_worker_that_cannot_begin_says_so(run_worker: RunWorker, network: Proxy, says: str) -> None:
    network.is_silent = says == "nothing"
    network.says_only_hello = says == "only hello"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pgqueue.worker.line.LEAST_PATIENCE_SECONDS", 1.0)
        patched.setattr("pgqueue.worker.line.MOST_PATIENCE_SECONDS", 1.0)
        worker = run_worker(quick, dsn=quickly(network))

        with pytest.raises(psycopg.OperationalError):
            await worker.ended()


@pytest.mark.usefixtures("impatient")
async def test_through_every_fault_each_job_runs_and_succeeds_once(
    client: AsyncClient, run_worker: RunWorker, look: Look, network: Proxy
) -> None:
    ran = Counter[int]()

    @task(name="count", max_attempts=1000, backoff=AT_ONCE)
    async def count(number: int) -> None:
        ran[number] += 1
        await asyncio.sleep(0.001)

    total = 2000
    await client.enqueue_many(count.job(number=number) for number in range(total))
    settings = {"lease": timedelta(seconds=5), "poll": timedelta(seconds=1), "concurrency": 4}
    workers = [run_worker(count, dsn=quickly(network), settings=settings) for _ in range(2)]
    for share, spoil in enumerate((Proxy.cut, half_close, slow, deafen, Proxy.silence), start=1):
        await until(partial(has_run, ran, total * share // 8))
        await spoil_and_heal(network, spoil, workers)
    await until(
        lambda: look(f"select count(*) = {total} from pgqueue.attempts where state = 'succeeded'"), seconds=60
    )

    assert set(ran) == set(range(total))
    assert await look("select count(*) from pgqueue.dead_letters") == 0
    await until(lambda: look("select count(*) = 0 from pgqueue.claims"))


def has_run(ran: Counter[int], jobs: int) -> bool:
    return len(ran) >= jobs


async def spoil_and_heal(network: Proxy, spoil: Callable[[Proxy], None], workers: list[Running]) -> None:
    spoil(network)
    if network.is_silent:
        await until(lambda: any(is_cut_off(worker) for worker in workers))
    network.heal()


def half_close(network: Proxy) -> None:
    for number, link in enumerate(network.links):
        (link.end_client if number % 2 else link.end_server)()


def slow(network: Proxy) -> None:
    network.delay_seconds = 0.005


def deafen(network: Proxy) -> None:
    for link in network.links:
        link.is_deaf = True


@pytest.mark.parametrize(("lease", "seconds"), [(1, 10), (60, 20), (3600, 60)])
def test_patience_follows_the_lease_within_bounds(lease: int, seconds: float) -> None:
    assert patience_for(timedelta(seconds=lease)) == seconds
