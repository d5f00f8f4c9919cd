"""The command line of the benchmarks; it must never print anything but JSON where JSON was asked for."""

import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from benchmarks.contestants import CONTESTANTS, Contestant, answering_to
from benchmarks.disk import fsync_seconds
from benchmarks.failures import BenchmarkFailed
from benchmarks.plan import FEWEST_ROUNDS, ROUNDS, Plan
from benchmarks.report import progress_on, table_of
from benchmarks.rounds import Progress
from benchmarks.rows import Row, as_json
from benchmarks.scenarios import lifecycle, worker
from pgqueue.errors import PgQueueError

Scenario = Callable[[Sequence[Contestant], Plan, Progress], list[Row]]
SCENARIOS: dict[str, Scenario] = {lifecycle.SCENARIO: lifecycle.run, worker.SCENARIO: worker.run}
STANDARD_OUTPUT = "-"
USAGE_EXIT_CODE = 2


def main() -> None:
    """Run the command; SIGTERM ends the servers as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _leave)
    typer.run(benchmarks)


def benchmarks(
    scenarios: Annotated[list[str] | None, typer.Argument(help="lifecycle, worker")] = None,
    json: Annotated[
        str | None, typer.Option(help="Write the rows to this file; - is standard output.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the jobs: no result.")] = False,  # noqa: FBT002 - typer's way
    rounds: Annotated[
        int | None, typer.Option(min=FEWEST_ROUNDS, help=f"Default {ROUNDS}, quick {FEWEST_ROUNDS}.")
    ] = None,
    systems: Annotated[
        list[str] | None, typer.Option(help="A system, or one of its durabilities: redis-streams:fsync.")
    ] = None,
) -> None:
    """Measure pgqueue beside its rivals. Without --json, a table."""
    chosen = [
        _scenario_named(name) for name in scenarios or _refuse(f"name a scenario: {', '.join(SCENARIOS)}")
    ]
    contestants = _contestants_named(systems)
    plan = Plan(rounds=rounds or (FEWEST_ROUNDS if quick else ROUNDS), is_quick=quick)
    output = _open_output(json)
    try:
        rows = _run(chosen, contestants, plan)
    except (BenchmarkFailed, PgQueueError) as error:
        typer.echo(f"benchmarks: {error}", err=True)
        raise typer.Exit(1) from error
    output(rows)


def _scenario_named(name: str) -> Scenario:
    return SCENARIOS.get(name) or _refuse(f"unknown scenario {name!r}; there are: {', '.join(SCENARIOS)}")


def _contestants_named(names: Sequence[str] | None) -> list[Contestant]:
    wanted = [name for option in names or () for name in option.split(",")]
    for name in wanted:
        if not answering_to(name):
            labels = ", ".join(contestant.label for contestant in CONTESTANTS)
            _refuse(f"unknown system {name!r}; there are: {labels}")
    chosen = {contestant for name in wanted for contestant in answering_to(name)}
    return [contestant for contestant in CONTESTANTS if not wanted or contestant in chosen]


def _open_output(target: str | None) -> Callable[[Sequence[Row]], None]:
    """Where the rows go. A file is opened before the first measurement, not after minutes of them."""
    if target is None:
        return lambda rows: Console().print(table_of(rows))
    if target == STANDARD_OUTPUT:
        return lambda rows: typer.echo(as_json(rows))
    try:
        Path(target).touch()
    except OSError as error:
        _refuse(f"cannot write {target}: {error.strerror}")
    return lambda rows: _write(Path(target), rows)


def _write(path: Path, rows: Sequence[Row]) -> None:
    path.write_text(as_json(rows) + "\n", encoding="utf-8")
    Console().print(table_of(rows))


def _run(scenarios: Sequence[Scenario], contestants: Sequence[Contestant], plan: Plan) -> list[Row]:
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(f"one fsync takes {fsync_seconds() * 1000:.2f} ms in {tempfile.gettempdir()}")
    with progress_on(console) as progress:
        return [row for scenario in scenarios for row in scenario(contestants, plan, progress)]


def _refuse(message: str) -> NoReturn:
    typer.echo(f"benchmarks: {message}", err=True)
    raise typer.Exit(USAGE_EXIT_CODE)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
