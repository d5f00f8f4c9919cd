"""Writes the report of a run into a folder; it must never leave an older run's files beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.registry import SCENARIOS
from benchmarks.report import headlines, tables
from benchmarks.report.contracts import contract_of
from benchmarks.report.layout import Section
from benchmarks.report.sections import SECTIONS
from benchmarks.rows import Row

QUICK_WARNING = "**A quick look, not a result**: small sizes, few rounds. `make bench` measures."
BUSY_WARNING = "**The machine was busy before we began** (`load before`): its figures are not to be quoted."
HIGHEST_QUIET_LOAD = 0.5
"""Per core."""
MOMENT = "%Y-%m-%d %H:%M UTC"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was measured, where, when and how. failures: why a scenario has no rows, by its name."""

    rows: Sequence[Row]
    failures: Mapping[str, str]
    machine: Mapping[str, str | int | float]
    versions: Mapping[str, str]
    command: str
    began: datetime
    ended: datetime
    is_quick: bool
    notes: Sequence[str] = field(default=())


def clear(folder: Path) -> None:
    """Make the folder, and delete what an older report left in it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = [section.plot for section in SECTIONS if section.plot]
    for name in ("rows.json", "report.md", *plots):
        (folder / name).unlink(missing_ok=True)


def write(folder: Path, run: Run) -> Path:
    """Raw rows, plots, and the report that shows them; returns the report's path."""
    (folder / "rows.json").write_text(as_json(run) + "\n", encoding="utf-8")
    for section in SECTIONS:
        rows = rows_of(section, run)
        if section.draw and section.plot and rows:
            section.draw(folder / section.plot, rows)
    drawn = {path.name for path in folder.glob("*.png")}
    report = folder / "report.md"
    report.write_text("\n".join(markdown_of(run, drawn)) + "\n", encoding="utf-8")
    return report


def as_json(run: Run) -> str:
    """The rows, and all that is needed to read them."""
    told = {
        "measured": {"from": run.began.isoformat(), "to": run.ended.isoformat(), "quick": run.is_quick},
        "command": run.command,
        "machine": dict(run.machine),
        "versions": dict(run.versions),
        "notes": list(run.notes),
        "failures": dict(run.failures),
        "rows": [asdict(row) for row in run.rows],
    }
    return json.dumps(told, indent=1)


def rows_of(section: Section, run: Run) -> list[Row]:
    """Its scenario's."""
    return [row for row in run.rows if row.scenario == section.scenario]


def markdown_of(run: Run, plots: set[str]) -> list[str]:
    """The whole report. plots: the files there are."""
    lines = ["# pgqueue beside its rivals", "", *_introduction(run)]
    lines += ["## Headlines", "", *headlines.markdown_of(SECTIONS, run.rows)]
    for section in SECTIONS:
        if rows := rows_of(section, run):
            lines += _section(section, rows, plots)
    return lines + _contracts(run.rows)


def _introduction(run: Run) -> list[str]:
    noisy = sum(row.is_noisy for row in run.rows)
    lines = [
        *([QUICK_WARNING, ""] if run.is_quick else []),
        *([BUSY_WARNING, ""] if _was_busy(run) else []),
        f"`{run.command}`, {run.began.strftime(MOMENT)} to {run.ended.strftime(MOMENT)}.",
        f"{noisy} of {len(run.rows)} rows are noisy. Raw rows: `rows.json`.",
        "How it is measured, and what is not: `benchmarks/README.md`.",
        "",
        tables.LEGEND,
        "",
        *(f"- {note}" for note in run.notes),
        *(f"- **{name} failed**: {why}" for name, why in run.failures.items()),
        *([""] if run.notes or run.failures else []),
    ]
    for title, facts in (("machine", run.machine), ("version", run.versions)):
        lines += [f"| {title} | |", "|---|---|"]
        lines += [f"| {name.replace('_', ' ')} | {fact} |" for name, fact in facts.items()]
        lines += [""]
    return lines


def _was_busy(run: Run) -> bool:
    """Whether somebody else had a good part of the machine before we began."""
    return float(run.machine["load_before"]) > HIGHEST_QUIET_LOAD * float(run.machine["cores"])


def _section(section: Section, rows: Sequence[Row], plots: set[str]) -> list[str]:
    lines = [f"## {section.scenario}", "", f"{SCENARIOS[section.scenario].about}.", ""]
    for table in section.tables:
        lines += tables.markdown_of(table, rows)
    if section.plot in plots:
        lines += [f"![{section.scenario}]({section.plot})", ""]
    return lines


def _contracts(rows: Sequence[Row]) -> list[str]:
    lines = ["## Contracts", ""]
    for system in dict.fromkeys(row.system for row in rows):
        if contract := contract_of(system):
            lines += [f"**{system}**: {contract[0]}", "", *(f"- {promise}" for promise in contract[1:]), ""]
    return lines
