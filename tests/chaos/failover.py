"""The primary is lost under load and its synchronous standby promoted; nobody loses a job by it.

It must never promote a standby that could have missed a commit: the primary waits for it from the start.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from pgqueue import AsyncClient
from pgqueue.embedded import EmbeddedPostgres
from tests.chaos import servers, tasks
from tests.chaos.consume import consumed
from tests.chaos.executions import Execution, executions
from tests.chaos.fleet import Fleet, Post
from tests.chaos.healing import healed, kept_alive, manned
from tests.chaos.ledger import Entry, Ledger
from tests.chaos.load import loaded
from tests.chaos.outcome import Outcome, outcome_of
from tests.chaos.verdict import TAKEN, Breach
from tests.waiting import until

LEASE = "60s"  # outlasts the failover: what is taken before is taken from the living
HELD_JOBS = 6
HELD_SECONDS = 12.0
FROZEN_SECONDS = 7.0  # longer than a session may be gone in quiet times, shorter than after a restart
PATIENCE_SECONDS = 120.0
WORKERS = ("first", "second", "third")
HOLDINGS = "select count(*) from chaos.holdings cross join unnest(jobs) as job where job = any(%s)"


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary and its synchronous standby. dsn: leads to whichever takes writes."""

    primary: EmbeddedPostgres
    standby: EmbeddedPostgres
    dsn: str


async def run(seed: int, seconds: float, folder: Path, told: Callable[[str], None]) -> Outcome:
    """Fail over after so many seconds of load, and go on for as many."""
    told("setting the stage: a primary and a synchronous standby")
    random = Random(seed)
    async with AsyncExitStack() as stack:
        pair = stack.enter_context(paired())
        fleet = Fleet(
            [Post(name, pair.dsn, ["--lease", LEASE]) for name in WORKERS], folder, Random(random.random())
        )
        stack.callback(fleet.end)
        ledger = Ledger(folder)
        stack.callback(ledger.close)
        told("load, and the loss of the primary")
        async with consumed([pair.dsn] * 2, fleet.account, Random(random.random())):
            found = await failed_over(pair, fleet, ledger, random, seconds)
            told("healing")
            found += await healed(fleet, pair.dsn)
        told("judging")
        return await outcome_of(
            found,
            title=f"failover, seed {seed}",
            again=f"python -m tests.chaos --seconds 0 --seed {seed}",
            ledger=ledger,
            account=fleet.account.path,
            dsn=pair.dsn,
        )


@contextmanager
def paired() -> Iterator[Pair]:
    """A primary whose commits wait for its standby."""
    with servers.server() as primary, servers.standby(primary) as standby:
        folders = [str(servers.socket_folder(postgres.dsn())) for postgres in (primary, standby)]
        yield Pair(primary, standby, servers.dsn_to_either(folders))


async def failed_over(
    pair: Pair, fleet: Fleet, ledger: Ledger, random: Random, seconds: float
) -> list[Breach]:
    """The load, the loss of the primary in the middle of it, and what became of the jobs that ran then."""
    async with kept_alive(fleet):
        await manned(fleet, pair.dsn)
        async with loaded([pair.dsn] * 3, ledger, random):
            await asyncio.sleep(seconds)
            held = await hold(pair, fleet, ledger)
            await promote(pair, fleet, ledger, random)
            await asyncio.sleep(seconds)
            await until(lambda: all(ended(fleet, entry) for entry in held), seconds=PATIENCE_SECONDS)
    return [breach for entry in held for breach in taken(fleet, entry)]


async def hold(pair: Pair, fleet: Fleet, ledger: Ledger) -> list[Entry]:
    """Jobs that run right through the failover; the standby knows who holds them."""
    held = [ledger.open("plain") for _ in range(HELD_JOBS)]
    ledger.tell(held, "unknown")
    jobs = [
        tasks.plain.job(key=entry.key, seconds=HELD_SECONDS).options(queue="a", priority=0) for entry in held
    ]
    async with AsyncClient(pair.dsn, pool_size=1) as client:
        ids = await client.enqueue_many(jobs)
    for entry, job in zip(held, ids, strict=True):
        entry.job, entry.is_spared = job, True
    ledger.tell(held, "committed")
    await until(
        lambda: all(executions(fleet.account.path).get(entry.key) for entry in held), seconds=PATIENCE_SECONDS
    )
    # Not as many as there are jobs: one that was handed back unstarted has been held twice.
    await until(
        lambda: count(pair.standby.dsn(), HOLDINGS, ids) == count(pair.primary.dsn(), HOLDINGS, ids),
        seconds=PATIENCE_SECONDS,
    )
    return held


async def promote(pair: Pair, fleet: Fleet, ledger: Ledger, random: Random) -> None:
    """Lose the primary while a worker is frozen, so that it comes back late; promote the standby."""
    late = random.choice(fleet.alive())
    fleet.freeze(late)
    await asyncio.to_thread(pair.primary.stop, "immediate")
    ledger.struck("primary lost", "immediate stop")
    await asyncio.to_thread(count, pair.standby.dsn(), "select pg_promote(true, 60)::integer")
    ledger.struck("standby promoted", f"worker {late.name} is away for {FROZEN_SECONDS:.0f} s more")
    await asyncio.sleep(FROZEN_SECONDS)
    fleet.thaw(late)


def taken(fleet: Fleet, entry: Entry) -> list[Breach]:
    """A living worker's job that somebody else began too."""
    lines = began(fleet, entry)
    if len(lines) == 1:
        return []
    workers = ", ".join(f"process {line.process_id} in attempt {line.attempt}" for line in lines)
    return [Breach(TAKEN, f"job {entry.key} was begun {len(lines)} times: {workers}", (entry.key,))]


def began(fleet: Fleet, entry: Entry) -> list[Execution]:
    """Each beginning of this job."""
    return [line for line in executions(fleet.account.path)[entry.key] if line.what == "began"]


def ended(fleet: Fleet, entry: Entry) -> bool:
    """Whether a handler of this job has come to its end."""
    return any(line.what == "ended" for line in executions(fleet.account.path)[entry.key])


def count(dsn: str, query: str, *values: object) -> int:
    """The number this query answers with."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        (number,) = connection.execute(query.encode(), values or None).fetchone() or (0,)
        return int(number)
