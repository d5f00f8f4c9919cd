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

from benchmarks.choices import (
    STANDARD_OUTPUT,
    Choice,
    Misuse,
    choices_of,
    given_servers,
    introduce,
    touched,
    writable_plot,
)
from benchmarks.disk import fsync_seconds
from benchmarks.display import printer, progress_on, table_of
from benchmarks.failures import BenchmarkFailed
from benchmarks.plan import FEWEST_ROUNDS, FULL_SIZE, QUICK_DIVISOR, Plan
from benchmarks.registry import SCENARIOS, Scenario
from benchmarks.rows import Row, as_json
from pgqueue.errors import PgQueueError

USAGE_EXIT_CODE = 2
FAILURES = (BenchmarkFailed, PgQueueError, psycopg.Error, redis.RedisError, OSError)


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
    dsn: Annotated[
        str | None,
        typer.Option(help="Measure on this PostgreSQL, in databases made for it and dropped after."),
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(help="Measure on this Redis, under a key made for it and deleted after.")
    ] = None,
) -> None:
    """Measure pgqueue beside its rivals. Without --json, a table."""
    try:
        choices = choices_of(scenarios or [], systems or [])
        size = Plan(
            rounds=rounds or FEWEST_ROUNDS,
            divisor=QUICK_DIVISOR if quick else FULL_SIZE,
            seconds=seconds,
            minutes=minutes,
            is_full=full,
            plot=writable_plot(plot, json),
            given=given_servers(choices, dsn, redis_url),
        )
        output = _output(json)
        kept, given, notes = introduce(choices, size.given)
        for note in notes:
            _say(note)
        size = replace(size, given=given)
        output(_run([(choice, _plan(choice.scenario, size, rounds)) for choice in kept]))
    except Misuse as error:
        _end(error, USAGE_EXIT_CODE)
    except FAILURES as error:
        _end(error, 1)


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


def _output(target: str | None) -> Callable[[Sequence[Row]], None]:
    """Where the rows go."""
    if target is None:
        return lambda rows: printer().print(table_of(rows))
    if target == STANDARD_OUTPUT:
        return lambda rows: typer.echo(as_json(rows))
    path = touched(Path(target))
    return lambda rows: _write(path, rows)


def _write(path: Path, rows: Sequence[Row]) -> None:
    path.write_text(as_json(rows) + "\n", encoding="utf-8")
    printer().print(table_of(rows))


def _run(work: Sequence[tuple[Choice, Plan]]) -> list[Row]:
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(f"one fsync takes {fsync_seconds() * 1000:.2f} ms in {tempfile.gettempdir()}")
    with progress_on(console) as progress:
        return [
            row for (scenario, contestants), plan in work for row in scenario.run(contestants, plan, progress)
        ]


def _say(message: str) -> None:
    typer.echo(f"benchmarks: {message}", err=True)


def _end(error: BaseException, code: int) -> NoReturn:
    _say(one_line(error))
    raise typer.Exit(code) from error


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
