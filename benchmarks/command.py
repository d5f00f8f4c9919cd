"""The command line of the benchmarks; it must never print anything but JSON where JSON was asked for."""

import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import psycopg
import redis
import typer
from rich.console import Console

from benchmarks.contestants import CONTESTANTS, Contestant, answering_to
from benchmarks.disk import fsync_seconds
from benchmarks.failures import BenchmarkFailed
from benchmarks.plan import FEWEST_ROUNDS, FULL_SIZE, QUICK_DIVISOR, Plan
from benchmarks.registry import SCENARIOS, Scenario, chosen_for
from benchmarks.report import printer, progress_on, table_of
from benchmarks.rows import Row, as_json
from pgqueue.errors import PgQueueError

STANDARD_OUTPUT = "-"
USAGE_EXIT_CODE = 2


def main() -> None:
    """Run the command; SIGTERM ends the servers as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _leave)
    application()()


def application() -> typer.Typer:
    """The command, ready to be called."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(help=help_text())(benchmarks)
    return app


def benchmarks(
    scenarios: Annotated[list[str] | None, typer.Argument(metavar="SCENARIO...", show_default=False)] = None,
    *,
    json: Annotated[
        str | None, typer.Option(help="Write the rows to this file; - is standard output.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the size: no result.")] = False,
    rounds: Annotated[
        int | None,
        typer.Option(min=1, help="Instead of as many as the scenario usually has."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="How long one measurement lasts: pinned, notify, idle.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="How long a soak lasts.")] = None,
    full: Annotated[bool, typer.Option("--full", help="backlog: also 10 million jobs.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Where soak's plot goes, a PNG; usually beside the JSON file.")
    ] = None,
    systems: Annotated[
        list[str] | None, typer.Option(help="A system, or one of its durabilities: redis-streams:fsync.")
    ] = None,
) -> None:
    """Measure pgqueue beside its rivals. Without --json, a table."""
    names = scenarios or _refuse(f"name a scenario: {', '.join(SCENARIOS)}")
    chosen = [SCENARIOS.get(name) or _refuse(_unknown_scenario(name)) for name in names]
    wanted = _wanted_systems(systems)
    work = [(scenario, _contestants(scenario, wanted)) for scenario in chosen]
    size = Plan(
        rounds=rounds or FEWEST_ROUNDS,
        divisor=QUICK_DIVISOR if quick else FULL_SIZE,
        seconds=seconds,
        minutes=minutes,
        is_full=full,
        plot=_writable_plot(plot, json),
    )
    output = _open_output(json)
    try:
        rows = _run(
            [(scenario, contestants, _plan(scenario, size, rounds)) for scenario, contestants in work]
        )
    except (BenchmarkFailed, PgQueueError, psycopg.Error, redis.RedisError, OSError) as error:
        typer.echo(f"benchmarks: {one_line(error)}", err=True)
        raise typer.Exit(1) from error
    output(rows)


def help_text() -> str:
    """What the command does, and a line for each scenario."""
    longest = max(map(len, SCENARIOS))
    lines = [f"  {name:{longest}}  {scenario.about}" for name, scenario in SCENARIOS.items()]
    return "\n".join(
        ["Measure pgqueue beside its rivals. Without --json, a table.", "", "\b", "Scenarios:", *lines]
    )


def one_line(error: BaseException) -> str:
    """What went wrong, for a human: the first line of it."""
    told = str(error).strip().splitlines()
    return told[0] if told else type(error).__name__


def _plan(scenario: Scenario, size: Plan, rounds: int | None) -> Plan:
    """The plan, with as many rounds as the scenario usually has unless told otherwise."""
    is_told = rounds is not None or size.divisor > FULL_SIZE
    return size if is_told else replace(size, rounds=scenario.rounds)


def _unknown_scenario(name: str) -> str:
    return f"unknown scenario {name!r}; there are: {', '.join(SCENARIOS)}"


def _wanted_systems(options: Sequence[str] | None) -> list[str]:
    """The names given, each checked."""
    wanted = [name for option in options or () for name in option.split(",")]
    for name in wanted:
        if not answering_to(name):
            labels = ", ".join(contestant.label for contestant in CONTESTANTS)
            _refuse(f"unknown system {name!r}; there are: {labels}")
    return wanted


def _contestants(scenario: Scenario, wanted: Sequence[str]) -> list[Contestant]:
    """Those wanted that the scenario can measure, or its usual ones."""
    found = chosen_for(scenario, wanted)
    return found or _refuse(
        f"{scenario.name} measures none of {', '.join(wanted)}; it measures: {', '.join(scenario.systems)}"
    )


def _writable_plot(plot: Path | None, json: str | None) -> Path | None:
    """Where a plot goes: as told, else beside the JSON file; None without either."""
    if plot is None:
        return Path(json).with_suffix(".png") if json and json != STANDARD_OUTPUT else None
    if not plot.parent.is_dir():
        _refuse(f"cannot write {plot}: there is no folder {plot.parent}")
    return plot


def _open_output(target: str | None) -> Callable[[Sequence[Row]], None]:
    """Where the rows go. A file is opened before the first measurement, not after minutes of them."""
    if target is None:
        return lambda rows: printer().print(table_of(rows))
    if target == STANDARD_OUTPUT:
        return lambda rows: typer.echo(as_json(rows))
    try:
        Path(target).touch()
    except OSError as error:
        _refuse(f"cannot write {target}: {error.strerror}")
    return lambda rows: _write(Path(target), rows)


def _write(path: Path, rows: Sequence[Row]) -> None:
    path.write_text(as_json(rows) + "\n", encoding="utf-8")
    printer().print(table_of(rows))


def _run(work: Sequence[tuple[Scenario, Sequence[Contestant], Plan]]) -> list[Row]:
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(f"one fsync takes {fsync_seconds() * 1000:.2f} ms in {tempfile.gettempdir()}")
    with progress_on(console) as progress:
        return [
            row for scenario, contestants, plan in work for row in scenario.run(contestants, plan, progress)
        ]


def _refuse(message: str) -> NoReturn:
    typer.echo(f"benchmarks: {message}", err=True)
    raise typer.Exit(USAGE_EXIT_CODE)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
