"""Tests of lost connections: the worker goes on, and each outcome is recorded once."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from pgqueue import AsyncClient, Fixed, JobRecord, current_job, task
from tests.waiting import PATIENCE_SECONDS, until
from tests.worker.conftest import Look, Running, RunWorker
from tests.worker.proxy import Link, Proxy

Ended = Callable[[int], Awaitable[JobRecord]]
AT_ONCE = Fixed(timedelta(0))
CLAIMS = "select count(*) from pgqueue.claims"
MISSED = "select count(*) from pgqueue.absent_workers(0)"
TERMINATE = """
    select count(pg_terminate_backend(pid))
    from pg_stat_activity
    where datname = current_database() and application_name = 'pgqueue' and pid = any (%s)
"""


def line_pid(running: Running) -> int:
    pid = running.worker._connections.line.backend_pid
    assert pid is not None
    return pid


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="pgqueue-") as folder:
        async with Proxy(dsn, Path(folder)).running() as proxy:
            yield proxy


@pytest.fixture
async def housekeeper(run_worker: RunWorker, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Another worker, which keeps the house: over the lines of those that come later go only jobs."""
    keeper = run_worker(queues=["elsewhere"])
    await until(lambda: getattr(keeper.worker, "_steward", None) and keeper.worker._steward.keeps_house)
    monkeypatch.setattr("pgqueue.worker.duty.DEPUTY_SECONDS", 3600.0)
    return keeper


@pytest.fixture
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's line carries nothing but the pump's calls for as long as the test."""
    monkeypatch.setattr("pgqueue.worker.duty.ROUND_SECONDS", 600.0)
    monkeypatch.setattr("pgqueue.worker.duty.DEPUTY_SECONDS", 600.0)
    monkeypatch.setattr("pgqueue.worker.keeper.TICK_SECONDS", 600.0)


@asynccontextmanager
async def mute(running: Running, link: Link) -> AsyncIterator[None]:
    """The next answer on its line is lost: that to what this block makes the worker ask."""
    line = running.worker._connections.line
    async with line.quiet(PATIENCE_SECONDS):
        yield
        await until(lambda: line._turn._waiters)
        link.is_muted = True  # not before: the worker is woken over this line, too


@task(name="quick", keep_result=True)
async def quick() -> int:
    return current_job().attempt


async def test_a_worker_whose_line_is_cut_while_it_sleeps_comes_back_and_is_woken(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick)
    await worker.asleep()
    old = line_pid(worker)
    await look(TERMINATE, [old])
    await until(lambda: worker.worker._connections.line.backend_pid not in {None, old})
    await worker.asleep()
    record = await ended(await client.enqueue(quick.job()))

    assert (record.state, record.result) == ("succeeded", 1)


async def test_a_worker_notices_at_once_that_its_line_was_cut_while_it_slept(
    run_worker: RunWorker, look: Look
) -> None:
    """Not with its next call, which is a minute away."""
    worker = run_worker(quick)
    await worker.asleep()
    line = worker.worker._connections.line
    line.dsn = "host=/nowhere"
    await look(TERMINATE, [line_pid(worker)])

    await until(lambda: not line.is_connected)


async def test_a_job_enqueued_while_the_line_was_cut_is_found_when_it_is_back(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    worker = run_worker(quick)
    await worker.asleep()
    await look(TERMINATE, [line_pid(worker)])

    assert (await ended(await client.enqueue(quick.job()))).state == "succeeded"


async def test_a_job_that_runs_while_the_line_breaks_is_told_afterwards(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task(keep_result=True)
    async def work() -> str:
        began.set()
        await go.wait()
        return "told"

    worker = run_worker(work)
    job = await client.enqueue(work.job())
    await began.wait()
    await look(TERMINATE, [line_pid(worker)])
    go.set()
    record = await ended(job)

    assert (record.result, record.attempt) == ("told", 1)
    assert worker.counts.lost == 0


@pytest.mark.parametrize("victims", ["line", "all"])
async def test_under_load_and_cut_again_and_again_every_job_succeeds_once(
    client: AsyncClient, run_worker: RunWorker, look: Look, victims: str
) -> None:
    ran = Counter[int]()

    @task(name="count", max_attempts=100, backoff=AT_ONCE)
    async def count(number: int) -> None:
        ran[number] += 1
        if number % 10 == 0:
            await asyncio.sleep(0.01)

    number_of_jobs = 6000
    jobs = await client.enqueue_many(count.job(number=number) for number in range(number_of_jobs))
    workers = [run_worker(count, settings={"concurrency": 20}) for _ in range(2)]
    for share in range(1, 9):
        await until(partial(has_reached, ran, number_of_jobs * share // 10))
        pids = (
            [pid for pid in (w.worker._connections.line.backend_pid for w in workers) if pid]
            if victims == "line"
            else await workers_pids(look)
        )
        await look(TERMINATE, pids)
    await until(
        lambda: look("select count(*) = %s from pgqueue.attempts where state = 'succeeded'", len(jobs))
    )
    for worker in workers:
        await worker.stop()

    assert set(ran) == set(range(number_of_jobs))
    assert await look("select count(distinct job_id) from pgqueue.attempts where state = 'succeeded'") == len(
        jobs
    )
    assert await look(CLAIMS) == 0
    assert await look("select count(*) from pgqueue.waiting") == 0


def has_reached(ran: Counter[int], count: int) -> bool:
    return len(ran) > count


async def workers_pids(look: Look) -> list[int]:
    """All that workers hold here: what is connected under our name and is not the client's pool."""
    found: list[int] = await look(
        "select coalesce(array_agg(pid), '{}') from pg_stat_activity"
        " where datname = current_database() and application_name = 'pgqueue'"
    )
    return found


@pytest.mark.usefixtures("housekeeper")
@pytest.mark.usefixtures("undisturbed")
async def test_a_claim_whose_answer_is_lost_is_handed_back_unspent(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, proxy: Proxy
) -> None:
    worker = run_worker(quick, dsn=proxy.dsn)
    await worker.asleep()
    async with mute(worker, proxy.links[0]):
        job = await client.enqueue(quick.job())
    await until(lambda: look(CLAIMS))
    proxy.links[0].cut()
    record = await ended(job)

    assert [(attempt.number, attempt.state) for attempt in record.attempts] == [(1, "succeeded")]
    assert record.result == 1


@pytest.mark.usefixtures("housekeeper", "undisturbed")
async def test_a_report_whose_answer_is_lost_is_recorded_once(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, look: Look, proxy: Proxy
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @task
    async def work() -> None:
        began.set()
        await go.wait()

    worker = run_worker(work, dsn=proxy.dsn)
    job = await client.enqueue(work.job())
    await began.wait()
    await worker.asleep()
    async with mute(worker, proxy.links[0]):
        go.set()
    await until(lambda: look("select count(*) from pgqueue.attempts"))
    proxy.links[0].cut()
    await until(lambda: worker.counts.lost)
    record = await ended(job)

    assert [attempt.state for attempt in record.attempts] == ["succeeded"]
    assert await look(CLAIMS) == 0


async def test_while_an_older_session_lingers_it_speaks_for_the_worker_and_then_the_new_one_does(
    run_worker: RunWorker, look: Look, proxy: Proxy
) -> None:
    worker = run_worker(quick, dsn=proxy.dsn)
    await worker.asleep()
    connections = worker.worker._connections
    old = proxy.links[0]
    old.keeps_server = True
    old.cut()
    await until(lambda: connections.line.is_connected and not connections.is_joined)
    missed_while_it_lingers = await look(MISSED)
    old.cut_server()
    await until(lambda: connections.is_joined)

    assert missed_while_it_lingers == 0
    assert await look(MISSED) == 0


async def test_a_claim_that_a_lingering_session_makes_after_all_is_handed_back(
    client: AsyncClient, run_worker: RunWorker, look: Look, proxy: Proxy
) -> None:
    worker = run_worker(quick, dsn=proxy.dsn)
    await worker.asleep()
    old = proxy.links[0]
    old.keeps_server = True
    old.cut()
    await until(lambda: not worker.worker._connections.is_joined)
    await client.enqueue(quick.job(), queue="elsewhere")
    await client.claim("elsewhere")  # stands for the one the old session was about to make
    await look("update pgqueue.claims set worker = %s returning id", worker.worker._connections.worker)
    old.cut_server()

    await until(
        lambda: look("select count(*) from pgqueue.waiting where queue = 'elsewhere' and attempt = 0")
    )
