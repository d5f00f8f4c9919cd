"""One run: the stage is set, the load comes, the strikes fall; then everything heals and is judged.

It must never end without stopping all it started.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from pgqueue import AsyncClient
from tests.chaos import facts, servers
from tests.chaos.executions import Execution, executions
from tests.chaos.facts import Facts
from tests.chaos.fleet import Fleet, Post
from tests.chaos.ledger import Entry, Ledger
from tests.chaos.load import Application
from tests.chaos.schedule import strike_until
from tests.chaos.strikes import Stage, Strike
from tests.chaos.verdict import INVARIANTS, REST, WORKERS, Breach, judge

START_SECONDS = 120.0
REST_SECONDS = 180.0
LOOK_SECONDS = 0.5
MOST_RESTARTS = 6
PRESENT = "select count(*) from pgqueue.workers"
UNREST = """
select
    (select count(*) from pgqueue.ready),
    (select count(*) from pgqueue.claims)
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """seconds: of load under strikes. applications: at once. pause_seconds: between two of one's deeds."""

    seconds: float
    seed: int
    strikes: Mapping[str, Strike]
    applications: int = 4
    pause_seconds: float = 0.1
    strike_pause_seconds: float = 1.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. breaches: empty, and every promise was kept."""

    plan: Plan
    entries: dict[int, Entry]
    strikes: Counter[str]
    executions: dict[int, list[Execution]]
    facts: Facts
    breaches: list[Breach]


async def run(plan: Plan, folder: Path, told: Callable[[str], None]) -> Outcome:
    """Run the plan. told: called with what is going on now."""
    async with AsyncExitStack() as stack:
        told("setting the stage")
        stage = await stack.enter_async_context(staged(plan, folder))
        found: list[Breach] = []
        told(f"{plan.seconds:.0f} s of load under {len(plan.strikes)} kinds of strikes")
        await struck(plan, stage, found)
        told("healing")
        found += await healed(stage)
        await stage.fleet.stop()
        found += [Breach(WORKERS, what) for what in stage.fleet.unexpected]
        told("judging")
        await kept(stage.dsn)
        seen = await asyncio.to_thread(facts.read, stage.dsn)
        ran = executions(stage.fleet.executions)
        sent = list(stage.ledger.sent())
        found += judge(sent, ran, seen)
        strikes = Counter(name for _, name, _ in stage.ledger.strikes)
        return Outcome(plan, stage.ledger.entries, strikes, ran, seen, found)


@asynccontextmanager
async def staged(plan: Plan, folder: Path) -> AsyncIterator[Stage]:
    """The server, the proxy, the pooler, and workers that reach the server in every way."""
    random = Random(plan.seed)
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(servers.server())
        dsn = postgres.dsn(servers.DATABASE)
        proxy, through_proxy = await stack.enter_async_context(servers.proxied(dsn))
        pooler = stack.enter_context(servers.pooled(dsn))
        fleet = Fleet(posts(dsn, through_proxy, pooler), folder, Random(random.random()))
        stack.callback(fleet.end)
        ledger = Ledger(folder)
        stack.callback(ledger.close)
        yield Stage(postgres, dsn, proxy, pooler, fleet, ledger, random)


def posts(dsn: str, through_proxy: str, pooler: servers.Pooler | None) -> list[Post]:
    """Where workers stand: direct, behind the failing network, behind the pooler."""
    found = [Post("direct", dsn), Post("proxied", through_proxy)]
    if pooler is None:
        return [*found, Post("polling", through_proxy, ["--poll-only"])]
    pooled = ["--no-prepare"]
    return [
        *found,
        Post("pooled-watching", pooler.dsn, [*pooled, "--watch-dsn", through_proxy]),
        Post("pooled-polling", pooler.dsn, [*pooled, "--poll-only"]),
    ]


async def struck(plan: Plan, stage: Stage, found: list[Breach]) -> None:
    """The load and the strikes, until it is time."""
    random = Random(plan.seed + 1)
    dsns = [post.dsn for post in stage.fleet.posts]
    keeping = asyncio.create_task(stage.fleet.keep())
    await manned(stage)
    others = [
        asyncio.create_task(
            Application(
                dsns[number % len(dsns)],
                stage.ledger,
                Random(random.random()),
                pause_seconds=plan.pause_seconds,
            ).run()
        )
        for number in range(plan.applications)
    ]
    others.append(asyncio.create_task(inspect(stage.dsn, found)))
    striking = asyncio.create_task(
        strike_until(
            time.monotonic() + plan.seconds, plan.strikes, stage, pause_seconds=plan.strike_pause_seconds
        )
    )
    try:
        await asyncio.wait({striking, keeping, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in (striking, keeping, *others):
            if task.done():
                task.result()
    finally:
        for task in (striking, keeping, *others):
            task.cancel()
        await asyncio.gather(striking, keeping, *others, return_exceptions=True)


async def manned(stage: Stage) -> None:
    """Wait until those workers are there that say so: a strike at an empty stage proves nothing."""
    expected = sum(post.says_so for post in stage.fleet.posts)
    deadline = time.monotonic() + START_SECONDS
    async with await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            (present,) = await (await connection.execute(PRESENT)).fetchone() or (0,)
            if present >= expected:
                return
            await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError(f"of {expected} workers not all were there after {START_SECONDS:.0f} s")


async def inspect(dsn: str, found: list[Breach]) -> None:
    """Look at the invariants while everything is under way: they hold in every snapshot."""
    query = (servers.SQL / "invariants.sql").read_bytes()
    seen: set[tuple[str, int]] = set()
    while True:
        await asyncio.sleep(2.0)
        try:
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                cursor = await connection.execute(query)
                new = set(await cursor.fetchall()) - seen
        except psycopg.Error:
            continue
        seen |= new
        found += [Breach(INVARIANTS, f"{name}: {number} (under way)") for name, number in sorted(new)]


async def healed(stage: Stage) -> list[Breach]:
    """No strike falls any more: wait until nothing is left to do."""
    stage.proxy.delay_seconds, stage.proxy.is_refusing = 0.0, False
    for post in stage.fleet.posts:
        stage.fleet.thaw(post)
    await asyncio.to_thread(stage.postgres.start)
    keeping = asyncio.create_task(stage.fleet.keep())
    lives = {post.name: post.lives for post in stage.fleet.posts}
    deadline = time.monotonic() + REST_SECONDS
    left: tuple[int, ...] | None = None
    try:
        while time.monotonic() < deadline:
            left = await unrest(stage.dsn)
            if left == (0, 0):
                return restless(stage, lives)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    return [Breach(REST, f"after {REST_SECONDS:.0f} s without strikes (waiting, claims): {left}")]


def restless(stage: Stage, lives: Mapping[str, int]) -> list[Breach]:
    """The workers that could not be kept alive, though nothing struck them: one may still meet a poison."""
    return [
        Breach(WORKERS, f"worker {post.name} was started {post.lives - lives[post.name]} times while healing")
        for post in stage.fleet.posts
        if post.lives - lives[post.name] > MOST_RESTARTS
    ]


async def unrest(dsn: str) -> tuple[int, ...] | None:
    """How many rows wait, and how many claims there are."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        return await (await connection.execute(UNREST)).fetchone()


async def kept(dsn: str) -> None:
    """The house, kept twice: what a transaction still held at first is let go by then."""
    async with AsyncClient(dsn, pool_size=1) as client:
        for _ in range(2):
            await client.maintain()
