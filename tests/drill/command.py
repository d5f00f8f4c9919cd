"""`python -m tests.drill`: a drill, its plot, and exit code 1 where a promise was broken."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from pgqueue.metrics.exporter import INTERVAL
from tests.drill import manifests
from tests.drill.autoscaler import SYNC_SECONDS
from tests.drill.ledger import ran
from tests.drill.load import phases
from tests.drill.plot import draw
from tests.drill.run import Plan, Seen, run
from tests.drill.verdict import answered_seconds, breaches

PLOT = Path(__file__).parents[2] / "benchmarks" / "results" / "drill.png"
BROKEN = 1


def main() -> None:
    """Run the command; SIGTERM ends the server and the workers as Ctrl-C does."""
    signal.signal(signal.SIGTERM, leave)
    typer.run(drill)


def drill(
    *,
    seconds: Annotated[float, typer.Option(min=1, help="How long the load comes.")] = 180,
    seed: Annotated[int | None, typer.Option(help="The same choices as a run before; else new ones.")] = None,
    quiet: Annotated[float, typer.Option(min=0, help="Jobs a second at first and at last.")] = 40,
    raised: Annotated[float, typer.Option(min=1, help="Jobs a second in between.")] = 400,
    target: Annotated[float, typer.Option(min=1, help="Jobs for each worker; 500 in the manifest.")] = 100,
    most: Annotated[int, typer.Option(min=2, help="The most workers; 50 in the manifest.")] = 8,
    window: Annotated[float, typer.Option(min=0, help="Seconds before fewer; 120 in the manifest.")] = 30,
    plot: Annotated[Path, typer.Option(help="Where to draw it.")] = PLOT,
) -> None:
    """Play Kubernetes' autoscaler over a real exporter and real workers; then check that nothing was lost.

    Pace, metric and policies are those of the manifests, as is all that has no option here.
    """
    seed = SystemRandom().randrange(10**6) if seed is None else seed
    console = Console()
    console.print(f"seed {seed}")
    said = manifests.scaling()
    plan = Plan(
        phases=phases(seconds, quiet=quiet, raised=raised),
        seed=seed,
        scaling=replace(said, target=target, highest=most, down=replace(said.down, window_seconds=window)),
        job_seconds=0.05,
        concurrency=4,
        sampling_seconds=INTERVAL.total_seconds(),
        scraping_seconds=manifests.scrape_seconds(),
        syncing_seconds=SYNC_SECONDS,
    )
    folder = Path(tempfile.mkdtemp(prefix="drill-"))
    seen = asyncio.run(run(plan, folder, lambda words: console.print(words, highlight=False)))
    plot.parent.mkdir(parents=True, exist_ok=True)
    draw(plot, plan, seen)
    counted = ran(folder / "ran")
    show(console, plan, seen, counted)
    console.print(f"plot: {plot}", soft_wrap=True)
    found = breaches(seen, counted, plan.scaling)
    for breach in found:
        console.print(f"BROKEN: {breach}", style="bold", markup=False)
    if found:
        console.print(f"what the workers said: {folder}")
        raise typer.Exit(BROKEN)
    shutil.rmtree(folder)


def show(console: Console, plan: Plan, seen: Seen, counted: Counter[int]) -> None:
    """The figures."""
    answered = answered_seconds(seen, plan.scaling)
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("jobs enqueued", f"{seen.committed:,}"),
        ("jobs that ran", f"{len(counted):,}"),
        ("of these more than once", f"{sum(times > 1 for times in counted.values()):,}"),
        ("deepest", f"{max(look.depth for look in seen.looks):,}"),
        ("most workers", str(max(look.replicas for look in seen.looks))),
        ("from the lag to more workers", "never" if answered is None else f"{answered:.1f} s"),
        ("workers told to stop", str(len(seen.exit_codes))),
        ("of these with an exit code of 0", str(seen.exit_codes.count(0))),
    ):
        table.add_row(name, value)
    console.print(table)


def leave(number: int, _frame: FrameType | None) -> NoReturn:
    """End, tidying up on the way."""
    sys.exit(128 + number)
