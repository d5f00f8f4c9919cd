"""`python -m tests.chaos`: a run, its report, and exit code 1 where a promise was broken."""

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from random import SystemRandom
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from tests.chaos.report import show
from tests.chaos.run import Plan, run
from tests.chaos.strikes import STRIKES

BROKEN = 1
MISUSED = 2


def main() -> None:
    """Run the command; SIGTERM ends the servers and workers as Ctrl-C does."""
    signal.signal(signal.SIGTERM, leave)
    typer.run(chaos)


def chaos(
    seconds: Annotated[float, typer.Option(min=1, help="How long the strikes fall; then all heals.")] = 120,
    seed: Annotated[int | None, typer.Option(help="The same choices as a run before; else new ones.")] = None,
    strike: Annotated[list[str] | None, typer.Option(help="Only these kinds; again for each.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Keep the ledger and the workers' logs here.")] = None,
) -> None:
    """Strike workers, server, network and clocks under load; then check that every promise was kept."""
    unknown = set(strike or ()) - set(STRIKES)
    if unknown:
        typer.echo(f"no strike is named {', '.join(unknown)}; there are: {', '.join(STRIKES)}", err=True)
        raise typer.Exit(MISUSED)
    chosen = {name: made for name, made in STRIKES.items() if name in (strike or STRIKES)}
    plan = Plan(
        seconds=seconds, seed=SystemRandom().randrange(10**6) if seed is None else seed, strikes=chosen
    )
    kept = folder or Path(tempfile.mkdtemp(prefix="chaos-run-"))
    kept.mkdir(parents=True, exist_ok=True)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # that connections are lost is the point
    console = Console()
    console.print(f"seed {plan.seed}, logs in {kept}")
    outcome = asyncio.run(run(plan, kept, lambda words: console.print(f"{words} ...")))
    show(outcome, console)
    if outcome.breaches:
        console.print(f"what the workers said and the ledger: {kept}")
        raise typer.Exit(BROKEN)
    if folder is None:
        shutil.rmtree(kept)


def leave(number: int, _frame: FrameType | None) -> NoReturn:
    """End, tidying up on the way."""
    sys.exit(128 + number)
