"""What the demo shows: a bar, failures as they happen, a summary; it must never count anything itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pgqueue.cli.output import console
from pgqueue.demo.indexing import Report, Watcher
from pgqueue.demo.tables import Failure, Standing

COUNTS = (
    "[green]{task.fields[succeeded]} done[/] "
    "[yellow]{task.fields[retried]} retried[/] "
    "[red]{task.fields[dead]} dead[/]"
)


@contextmanager
def bar() -> Iterator[Watcher]:
    """A progress bar over the jobs, and above it a line for each attempt that failed."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(COUNTS), TimeElapsedColumn())
    told = 0
    with Progress(*columns, console=console()) as progress:
        line = progress.add_task("", total=None, succeeded=0, retried=0, dead=0)

        def watch(jobs: int, standing: Standing, failures: Sequence[Failure]) -> None:
            nonlocal told
            for failure in failures[told:]:
                progress.console.print(failure_line(failure))
            told = len(failures)
            progress.update(
                line,
                total=jobs,
                completed=standing.ended,
                succeeded=standing.succeeded,
                retried=standing.retried,
                dead=standing.dead,
            )

        yield watch


def in_silence(jobs: int, standing: Standing, failures: Sequence[Failure]) -> None:
    """Show nothing."""


def failure_line(failure: Failure) -> str:
    """One failed attempt, and what comes of it."""
    verdict = "dead" if failure.is_dead else "to be retried"
    return f"job {failure.job_id}, attempt {failure.attempt}, {verdict}: {failure.error}"


def print_summary(report: Report, processes: int) -> None:
    """What the run came to."""
    standing = report.standing
    out = console()
    figures = Table(title="Python's standard library, indexed", show_header=False, title_justify="left")
    figures.add_column(justify="left")
    figures.add_column(justify="right")
    for name, value in (
        ("jobs", f"{report.jobs:,}"),
        ("succeeded, each with its row", f"{standing.succeeded:,}"),
        ("rows written", f"{standing.rows_written:,}"),
        ("attempts retried", f"{standing.retried:,}"),
        ("dead", f"{standing.dead:,}"),
        ("seconds", f"{standing.seconds:.2f}"),
        ("jobs per second", f"{report.jobs_per_second:,.0f}"),
        ("worker processes", str(processes)),
    ):
        figures.add_row(name, value)
    out.print(figures)
    modules = Table("module", title="Most imported", title_justify="left")
    modules.add_column("files", justify="right")
    for module, files in report.most_imported:
        modules.add_row(module, f"{files:,}")
    out.print(modules)
