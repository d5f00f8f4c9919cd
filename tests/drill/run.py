"""One drill: a server, an exporter, pods, a load, and the autoscaler in between.

It must never end without stopping all it started.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from pgqueue import AsyncClient
from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade
from tests.drill.autoscaler import Autoscaler, Scaling
from tests.drill.ledger import runs
from tests.drill.load import Load, Phase
from tests.drill.manifests import selected
from tests.drill.pods import Pods
from tests.drill.scraping import Scraper, exporting

LOOK_SECONDS = 0.1
CALM_SECONDS = 120.0
"""How long, after the load is over, the last jobs and the last replicas too many may take to go."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played. concurrency: of a pod. sampling, scraping and syncing: how often, in seconds."""

    phases: Sequence[Phase]
    seed: int
    scaling: Scaling
    job_seconds: float
    concurrency: int
    sampling_seconds: float
    scraping_seconds: float
    syncing_seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """How it was at a moment. depth: jobs that have not run. metric: what the autoscaler would be told."""

    at: float
    depth: int
    metric: float | None
    replicas: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What the autoscaler did, and what it was told."""

    at: float
    before: int
    after: int
    metric: float | None


@dataclass(slots=True)
class Seen:
    """All that was seen; moments are seconds since the load began."""

    looks: list[Look] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    committed: int = 0
    exit_codes: list[int] = field(default_factory=list)
    fallen: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Stage:
    """What is at work while the load comes."""

    pods: Pods
    load: Load
    scraper: Scraper
    seen: Seen
    began: float

    def look(self) -> Look:
        """How it is now."""
        depth = self.load.committed - runs(self.pods.ran)
        return Look(time.monotonic() - self.began, depth, self.scraper.latest, len(self.pods))

    def is_calm(self, replicas: int) -> bool:
        """Whether nothing waits and the replicas are this few."""
        return self.look().depth <= 0 and len(self.pods) == replicas


async def run(plan: Plan, folder: Path, told: Callable[[str], None]) -> Seen:
    """Play the plan. told: called with what is going on."""
    told("starting PostgreSQL, the exporter and the first workers")
    async with staged(plan, folder) as stage:
        told(f"{sum(phase.seconds for phase in plan.phases):.0f} s of load")
        async with minding(watch(stage), control(plan, stage, told)):
            await stage.load.come(plan.phases)
            await calm(stage, plan.scaling.lowest)
            stage.seen.looks.append(stage.look())
        told("stopping the rest")
        stage.seen.fallen += stage.pods.fallen()
        stage.pods.scale(0)
        await stage.pods.settle()
        stage.seen.committed, stage.seen.exit_codes = stage.load.committed, stage.pods.ended
        return stage.seen


@asynccontextmanager
async def staged(plan: Plan, folder: Path) -> AsyncIterator[Stage]:
    """The server, the exporter, its scraper, and as many pods as there always are."""
    random = Random(plan.seed)
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres())
        await asyncio.to_thread(upgrade, postgres.dsn())
        address = stack.enter_context(
            exporting(postgres.dsn(), folder, interval_seconds=plan.sampling_seconds)
        )
        pods = Pods(postgres.dsn(), folder, plan.concurrency, random)
        stack.callback(pods.end)
        pods.scale(plan.scaling.lowest)
        client = await stack.enter_async_context(AsyncClient(postgres.dsn()))
        load = Load(client, random, job_seconds=plan.job_seconds)
        await joined(client, plan.scaling.lowest)
        scraper = Scraper(address, selected())
        await stack.enter_async_context(minding(scraper.scrape_on(plan.scraping_seconds)))
        yield Stage(pods, load, scraper, Seen(), time.monotonic())


async def joined(client: AsyncClient, workers: int) -> None:
    """Wait until so many workers are at work: how long Python takes to start is not what is drilled."""
    async with asyncio.timeout(CALM_SECONDS):
        while len((await client.stats()).workers) < workers:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def minding(*duties: Any) -> AsyncIterator[None]:
    """Do these while the block runs; where one fails, so does the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(duty) for duty in duties]
        yield
        for task in tasks:
            task.cancel()


async def watch(stage: Stage) -> None:
    """Look ten times a second."""
    while True:
        stage.seen.looks.append(stage.look())
        await asyncio.sleep(LOOK_SECONDS)


async def control(plan: Plan, stage: Stage, told: Callable[[str], None]) -> None:
    """The controller's loop; where in its period the load begins is chance, for whoever knows no seed."""
    scaler = Autoscaler(plan.scaling)
    await asyncio.sleep(Random(plan.seed + 1).random() * plan.syncing_seconds)
    while True:
        now = stage.look()
        wanted = scaler.decide(now.replicas, now.metric, at=now.at)
        if wanted != now.replicas:
            stage.seen.decisions.append(Decision(now.at, now.replicas, wanted, now.metric))
            told(f"{now.at:5.1f} s: {now.metric:,.0f} jobs, {now.replicas} -> {wanted} workers")
            stage.pods.scale(wanted)
        await asyncio.sleep(plan.syncing_seconds)


async def calm(stage: Stage, replicas: int) -> None:
    """Wait until nothing waits and the replicas are few again, but not for ever: the verdict tells."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CALM_SECONDS):
            while not stage.is_calm(replicas):  # noqa: ASYNC110 - what the handlers say is in a file
                await asyncio.sleep(LOOK_SECONDS)
