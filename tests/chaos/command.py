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

from tests.chaos import failover as standby
from tests.chaos import run as storm
from tests.chaos.report import show
from tests.chaos.strikes import STRIKES, Strike

FAILOVER_SECONDS = 10.0
BROKEN = 1
MISUSED = 2


def main() -> None:
    """Run the command; SIGTERM ends the servers and workers as Ctrl-C does."""
    signal.signal(signal.SIGTERM, leave)
    typer.run(chaos)


def chaos(
    *,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long the strikes fall; 0: only fail over.")
    ] = 120,
    seed: Annotated[int | None, typer.Option(help="The same choices as a run before; else new ones.")] = None,
    strike: Annotated[list[str] | None, typer.Option(help="Only these kinds; again for each.")] = None,
    pause: Annotated[float, typer.Option(min=0.01, help="Seconds between strikes, on average.")] = 1.2,
    applications: Annotated[int, typer.Option(min=1, help="Clients that enqueue at once.")] = 4,
    failover: Annotated[bool, typer.Option(help="Then lose a primary and promote its standby.")] = True,
    folder: Annotated[Path | None, typer.Option(help="Keep the ledgers and the workers' logs here.")] = None,
) -> None:
    """Strike workers, server, network and clocks under load; then check that every promise was kept."""
    chosen = strikes_named(strike)
    seed = SystemRandom().randrange(10**6) if seed is None else seed
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # that connections are lost is the point
    console = Console()
    kept = folder or Path(tempfile.mkdtemp(prefix="chaos-run-"))
    console.print(f"seed {seed}, logs in {kept}")

    def told(words: str) -> None:
        console.print(f"{words} ...")

    outcomes = []
    if seconds:
        plan = storm.Plan(seconds, seed, chosen, applications=applications, strike_pause_seconds=pause)
        outcomes.append(asyncio.run(storm.run(plan, made(kept / "storm"), told)))
        show(outcomes[-1], console)
    if failover:
        outcomes.append(asyncio.run(standby.run(seed, FAILOVER_SECONDS, made(kept / "failover"), told)))
        show(outcomes[-1], console)
    if any(outcome.breaches for outcome in outcomes):
        console.print(f"what the workers said and the ledgers: {kept}")
        raise typer.Exit(BROKEN)
    if folder is None:
        shutil.rmtree(kept)


def strikes_named(names: list[str] | None) -> dict[str, Strike]:
    """The strikes of these names; without names all of them."""
    unknown = set(names or ()) - set(STRIKES)
    if unknown:
        typer.echo(f"no strike is named {', '.join(unknown)}; there are: {', '.join(STRIKES)}", err=True)
        raise typer.Exit(MISUSED)
    return {name: strike for name, strike in STRIKES.items() if name in (names or STRIKES)}


def made(folder: Path) -> Path:
    """The folder, new: what another run wrote there would be taken for this one's."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        typer.echo(f"{folder} is there already: name another folder", err=True)
        raise typer.Exit(MISUSED) from error
    return folder


def leave(number: int, _frame: FrameType | None) -> NoReturn:
    """End, tidying up on the way."""
    sys.exit(128 + number)
