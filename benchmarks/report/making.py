"""Measures the report's sections one after another; one that fails must never cost the others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.choices import Choice, Misuse, choices_of
from benchmarks.display import ProgressBar
from benchmarks.expected import FAILURES
from benchmarks.failures import one_line
from benchmarks.given import Given
from benchmarks.registry import SCENARIOS
from benchmarks.report import environment
from benchmarks.report.layout import Section
from benchmarks.report.sections import SECTIONS
from benchmarks.report.writing import Run, clear, write
from benchmarks.rows import Row


class Order(NamedTuple):
    """What report is wanted. rounds: instead of as many as each section has."""

    folder: Path
    choices: Sequence[Choice]
    given: Given
    is_quick: bool
    rounds: int | None
    notes: Sequence[str]


def report_choices(
    names: Sequence[str], systems: Sequence[str], *, is_quick: bool, is_given: bool
) -> list[Choice]:
    """Of these scenarios, or of all the report has that can be measured on the servers there are.

    Raises Misuse, also for one that is not part of it. is_given: whether servers are given.
    """
    able = [
        section.scenario
        for section in _parts(is_quick=is_quick)
        if not (is_given and SCENARIOS[section.scenario].own_servers)
    ]
    choices: list[Choice] = []
    for section in [_section_of(name, is_quick=is_quick) for name in names or able]:
        wanted = systems or (section.quick_systems if is_quick else ())
        choices += choices_of([section.scenario], wanted)
    return choices


def _parts(*, is_quick: bool) -> list[Section]:
    return [section for section in SECTIONS if section.quick or not is_quick]


def _section_of(name: str, *, is_quick: bool) -> Section:
    parts = {section.scenario: section for section in _parts(is_quick=is_quick)}
    if name not in parts:
        kind = "quick report" if is_quick else "report"
        raise Misuse(f"{name!r} is not part of the {kind}; it has: {', '.join(parts)}")
    return parts[name]


def make_report(order: Order, progress: ProgressBar) -> tuple[Path, dict[str, str]]:
    """Measure and write it. Returns where it is, and why which scenarios failed. Raises OSError."""
    clear(order.folder)
    machine, versions = environment.machine(), environment.versions(order.given)
    began = datetime.now(UTC)
    rows: list[Row] = []
    failures: dict[str, str] = {}
    for choice in order.choices:
        try:
            rows += _measured(order, choice, progress)
        except FAILURES as error:
            failures[choice.scenario.name] = one_line(error)
        progress.end_scenario()
    run = Run(
        rows=rows,
        failures=failures,
        machine=machine,
        versions=versions,
        command=environment.command_line(),
        began=began,
        ended=datetime.now(UTC),
        is_quick=order.is_quick,
        notes=order.notes,
    )
    return write(order.folder, run), failures


def _measured(order: Order, choice: Choice, progress: ProgressBar) -> list[Row]:
    section = _section_of(choice.scenario.name, is_quick=order.is_quick)
    size = (section.quick if order.is_quick else None) or section.full
    plot = order.folder / section.plot if section.plot else None
    plan = replace(size, rounds=order.rounds or size.rounds, given=order.given, plot=plot)
    return choice.scenario.run(choice.contestants, plan, progress)
