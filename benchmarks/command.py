"""The command line of the benchmarks; it must never print anything but JSON where JSON was asked for."""

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

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
from benchmarks.display import ProgressBar, printer, progress_on, table_of
from benchmarks.expected import FAILURES
from benchmarks.failures import one_line
from benchmarks.plan import FEWEST_ROUNDS, FULL_SIZE, QUICK_DIVISOR, Plan
from benchmarks.registry import SCENARIOS
from benchmarks.report.making import Order, make_report, report_choices
from benchmarks.rows import Row, as_json
from benchmarks.scenario import Scenario

USAGE_EXIT_CODE = 2


def run() -> None:
    """Run the command."""
    # A connection that the pool lost raises where it is missed.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
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
        float | None,
        typer.Option(min=1, help="How long one measurement lasts, in the scenarios that go by time."),
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
    report: Annotated[
        Path | None,
        typer.Option(help="Write tables, plots and rows into this folder; SCENARIO... may be left out."),
    ] = None,
) -> None:
    """Measure pgqueue beside its rivals. Without --json, a table."""
    try:
        if report:
            _refuse_sizes(json, seconds, minutes, full, plot)
            is_given = dsn is not None or redis_url is not None
            choices = report_choices(scenarios or [], systems or [], is_quick=quick, is_given=is_given)
        else:
            choices = choices_of(scenarios or [], systems or [])
        size = Plan(
            rounds=rounds or FEWEST_ROUNDS,
            divisor=QUICK_DIVISOR if quick else FULL_SIZE,
            seconds=seconds,
            minutes=minutes,
            is_full=full,
            plot=writable_plot(plot, json),
        )
        given = given_servers(choices, dsn, redis_url)
        output = _output(json)
        kept, given, notes = introduce(choices, given)
        for note in notes:
            _say(note)
        if report:
            _report(Order(report, kept, given, is_quick=quick, rounds=rounds, notes=notes))
        else:
            plans = [_plan(scenario, replace(size, given=given), rounds) for scenario, _ in kept]
            output(_run(kept, plans))
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


def _plan(scenario: Scenario, size: Plan, rounds: int | None) -> Plan:
    """The plan, with as many rounds as the scenario usually has unless told otherwise."""
    is_told = rounds is not None or size.divisor > FULL_SIZE
    return size if is_told else replace(size, rounds=scenario.rounds)


def _refuse_sizes(*options: object) -> None:
    """Rather than to be deaf to them."""
    if any(options):
        raise Misuse("a report has sizes and files of its own: beside --report give --quick or --rounds")


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


def _run(choices: Sequence[Choice], plans: Sequence[Plan]) -> list[Row]:
    rows: list[Row] = []
    with _watched(len(choices)) as progress:
        for (scenario, contestants), plan in zip(choices, plans, strict=True):
            rows += scenario.run(contestants, plan, progress)
            progress.end_scenario()
    return rows


def _report(order: Order) -> None:
    with _watched(len(order.choices)) as progress:
        path, failures = make_report(order, progress)
    typer.echo(f"report: {path}")
    for name, why in failures.items():
        _say(f"{name} failed: {why}")
    if failures:
        raise typer.Exit(1)


@contextmanager
def _watched(scenarios: int) -> Iterator[ProgressBar]:
    """How far it is, on standard error, where somebody watches."""
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(f"one fsync takes {fsync_seconds() * 1000:.2f} ms in {tempfile.gettempdir()}")
    with progress_on(console, scenarios) as progress:
        yield progress


def _say(message: str) -> None:
    typer.echo(f"benchmarks: {message}", err=True)


def _end(error: BaseException, code: int) -> NoReturn:
    _say(one_line(error))
    raise typer.Exit(code) from error
