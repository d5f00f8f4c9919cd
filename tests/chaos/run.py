"""One run: the stage is set, the load comes, the strikes fall; then everything heals and is judged.

It must never end without stopping all it started.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from tests.chaos import servers
from tests.chaos.consume import consumed
from tests.chaos.fleet import Fleet, Post
from tests.chaos.healing import healed, kept_alive, manned
from tests.chaos.ledger import Ledger
from tests.chaos.load import loaded
from tests.chaos.outcome import Outcome, outcome_of
from tests.chaos.schedule import strike_until
from tests.chaos.strikes import STRIKES, Stage, Strike
from tests.chaos.verdict import INVARIANTS, Breach

INSPECT_SECONDS = 2.0
CONSUMERS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """seconds: of load under strikes. applications: at once. strike_pause_seconds: on average."""

    seconds: float
    seed: int
    strikes: Mapping[str, Strike]
    applications: int = 4
    strike_pause_seconds: float = 1.2


async def run(plan: Plan, folder: Path, told: Callable[[str], None]) -> Outcome:
    """Run the plan. told: called with what is going on now."""
    told("setting the stage")
    async with staged(plan, folder) as stage:
        found: list[Breach] = []
        told(f"{plan.seconds:.0f} s of load under {len(plan.strikes)} kinds of strikes")
        async with consumed(ways(stage, CONSUMERS), stage.fleet.account, Random(plan.seed + 2)):
            await struck(plan, stage, found)
            told("healing")
            stage.proxy.delay_seconds, stage.proxy.is_refusing = 0.0, False
            await asyncio.to_thread(stage.postgres.start)
            found += await healed(stage.fleet, stage.dsn)
        told("judging")
        return await outcome_of(
            found,
            title=f"chaos, seed {plan.seed}",
            again=again(plan),
            ledger=stage.ledger,
            account=stage.fleet.account.path,
            dsn=stage.dsn,
        )


def again(plan: Plan) -> str:
    """The command that repeats this run."""
    chosen = (
        "" if len(plan.strikes) == len(STRIKES) else "".join(f' --strike "{name}"' for name in plan.strikes)
    )
    return (
        f"python -m tests.chaos --no-failover --seconds {plan.seconds:g} --seed {plan.seed}"
        f" --pause {plan.strike_pause_seconds:g} --applications {plan.applications}{chosen}"
    )


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
    async with kept_alive(stage.fleet):
        await manned(stage.fleet, stage.dsn)
        async with loaded(ways(stage, plan.applications), stage.ledger, random):
            inspecting = asyncio.create_task(inspect(stage.dsn, found))
            ends_at = time.monotonic() + plan.seconds
            await strike_until(ends_at, plan.strikes, stage, pause_seconds=plan.strike_pause_seconds)
            inspecting.cancel()
            await asyncio.gather(inspecting, return_exceptions=True)


def ways(stage: Stage, count: int) -> list[str]:
    """So many ways to the server, each in turn."""
    dsns = [post.dsn for post in stage.fleet.posts]
    return [dsns[number % len(dsns)] for number in range(count)]


async def inspect(dsn: str, found: list[Breach]) -> None:
    """Look at the invariants while everything is under way: they hold in every snapshot."""
    query = (servers.SQL / "invariants.sql").read_bytes()
    seen: set[tuple[str, int]] = set()
    while True:
        await asyncio.sleep(INSPECT_SECONDS)
        try:
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                cursor = await connection.execute(query)
                new = set(await cursor.fetchall()) - seen
        except psycopg.Error:
            continue
        seen |= new
        found += [Breach(INVARIANTS, f"{name}: {number} (under way)") for name, number in sorted(new)]
