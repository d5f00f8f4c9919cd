"""Shows what came of a run: strikes, jobs, a verdict per promise, and the stories of those broken."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from tests.chaos.outcome import Outcome
from tests.chaos.verdict import PROMISES, Breach

MOST_BREACHES = 5
"""Of each promise that are told; the first ones tell the story."""


def show(outcome: Outcome, console: Console) -> None:
    """The whole report."""
    table = Table(title=outcome.title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    for section in (strikes(outcome), jobs(outcome), verdicts(outcome)):
        for name, value in section:
            table.add_row(name, value)
        table.add_section()
    console.print(table)
    for promise in PROMISES:
        for breach in of(promise, outcome)[:MOST_BREACHES]:
            tell(breach, outcome, console)
    console.print(f"again: {outcome.again}", markup=False)


def strikes(outcome: Outcome) -> list[tuple[str, str]]:
    """How often each was made."""
    made = [(name, str(count)) for name, count in sorted(outcome.strikes.items())]
    return [*made, ("strikes in all", str(outcome.strikes.total()))]


def jobs(outcome: Outcome) -> list[tuple[str, str]]:
    """How many were enqueued, how often they ran, how they ended."""
    fates = Counter(entry.fate for entry in outcome.entries.values() if entry.fate != "unsent")
    runs = {key: sum(line.what == "began" for line in lines) for key, lines in outcome.executions.items()}
    ends = Counter(
        [found.state for found in outcomes if found.is_final][-1]
        for outcomes in outcome.facts.outcomes.values()
        if any(found.is_final for found in outcomes)
    )
    ran, times = sum(map(bool, runs.values())), sum(runs.values())
    return [
        *((f"jobs {fate}", f"{fates[fate]:,}") for fate in ("committed", "unknown", "rolled back")),
        ("bodies in the database", f"{len(outcome.facts.bodies):,}"),
        *((f"jobs {state}", f"{count:,}") for state, count in sorted(ends.items())),
        ("dead jobs redriven", f"{outcome.facts.redrives.total():,}"),
        ("executions over jobs", f"{times:,} / {ran:,} = {times / max(ran, 1):.2f}"),
    ]


def verdicts(outcome: Outcome) -> list[tuple[str, str]]:
    """Each promise, and whether it was kept."""
    return [
        (promise, f"BROKEN {len(broken)} times" if (broken := of(promise, outcome)) else "kept")
        for promise in PROMISES
    ]


def of(promise: str, outcome: Outcome) -> list[Breach]:
    """The breaches of one promise."""
    return [breach for breach in outcome.breaches if breach.promise == promise]


def tell(breach: Breach, outcome: Outcome, console: Console) -> None:
    """One breach, with all that is known of its job."""
    console.print(f"\n{breach.promise}: {breach.what}", style="bold", markup=False)
    for key in breach.keys:
        for line in story(key, outcome):
            console.print(f"  {line}", markup=False, soft_wrap=True)


def story(key: int, outcome: Outcome) -> list[str]:
    """What is known of a job: how it was enqueued, what its handlers say, how its attempts ended."""
    entry = outcome.entries.get(key)
    jobs = outcome.facts.bodies.get(key, [])
    return [
        f"enqueued: {entry or 'by its parent'}",
        *(
            f"attempt {line.attempt} {line.what} at {line.at:.3f} in process {line.process_id}"
            f", claim {line.claim} of job {line.job}"
            for line in outcome.executions.get(key, [])
        ),
        *(
            f"attempt {found.attempt} {found.state} by worker {found.worker}, claim {found.claim}"
            f", {found.claimed_at:%H:%M:%S.%f} to {found.finished_at:%H:%M:%S.%f} {found.error or ''}"
            for job in jobs
            for found in outcome.facts.outcomes.get(job, [])
        ),
    ]
