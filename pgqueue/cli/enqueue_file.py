"""`enqueue --file`: lines of jobs, a bar while they go in, and a report of what is in and what is bad."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import typer
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from pgqueue import Client
from pgqueue.cli.connection import connected
from pgqueue.cli.enqueue_lines import MOST_TOLD, LineSender, Progress
from pgqueue.cli.failures import FAILED, CommandFailed, CommandMisused, told
from pgqueue.cli.job_lines import Line, lines_of
from pgqueue.cli.output import print_json, stderr_console

STDIN = "-"
INTERRUPTED = 130  # what a shell says of Ctrl-C
Watched = Callable[[Iterable[Line]], Iterator[Line]]
Tell = Callable[[int, str], None]


def enqueue_file(name: str, *, strict: bool, dsn: str | None, schema: str, as_json: bool) -> None:
    """Enqueue the lines of a file, and tell how many are in whatever happens. Exits with 1 for bad lines."""
    failure: BaseException | None = None
    with opened(name) as stream, connected(dsn) as connection, bar(name) as (watched, tell):
        sender = LineSender(
            Client(schema=schema), connection, strict=strict, tell=ignore if as_json else tell
        )
        try:
            sender.send(watched(lines_of(stream)))
        except (KeyboardInterrupt, Exception) as error:
            if isinstance(error, Exception) and told(error) is None:
                raise
            failure = error
    report(sender.progress, failure, as_json=as_json)


def report(sent: Progress, failure: BaseException | None, *, as_json: bool) -> None:
    """Say how many are in, which lines are bad, and where it stopped; end with the exit code for that."""
    stopped = stop_line(sent, failure)
    if as_json:
        bad_lines = [{"line": number, "error": reason} for number, reason in sent.told]
        print_json({"enqueued": sent.enqueued, "bad": sent.bad, "bad_lines": bad_lines, "stopped": stopped})
    else:
        if sent.bad > MOST_TOLD:
            print(f"and {sent.bad - MOST_TOLD:,} more bad lines", file=sys.stderr)
        print(f"{sent.enqueued:,} jobs enqueued, {sent.bad:,} bad lines")
    if isinstance(failure, KeyboardInterrupt):
        print(f"pgqueue: {stopped}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    if failure is not None:
        raise CommandFailed(stopped) from failure
    if sent.bad:
        raise typer.Exit(FAILED)


def stop_line(sent: Progress, failure: BaseException | None) -> str | None:
    """Why it stopped before the end, and what of the file is in; None if it did not."""
    if failure is None:
        return None
    cause = told(failure)
    parts = ["interrupted" if cause is None else cause[0]]
    if sent.through:
        parts.append(f"the jobs of lines 1 to {sent.through} are in, but for the bad ones")
    if sent.under_way:
        first, last = sent.under_way
        parts.append(f"of lines {first} to {last} nobody knows: look before you send them again")
    if len(parts) == 1:
        parts.append("no job of the file is in")
    return "; ".join(parts)


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The file, or stdin. Raises CommandMisused."""
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115 - closed below: what fails while it is read is no misuse
    except OSError as error:
        raise CommandMisused(f"{name} cannot be read: {error.strerror}") from error
    with stream:
        yield stream


@contextmanager
def bar(name: str) -> Iterator[tuple[Watched, Tell]]:
    """A bar on stderr over the file's bytes, where somebody looks; bad lines stand above it."""
    total = None if name == STDIN else Path(name).stat().st_size or None
    columns: tuple[Any, ...] = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeElapsedColumn(),
    )
    out = stderr_console()
    with Bar(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("", total=total, lines=0)

        def watched(lines: Iterable[Line]) -> Iterator[Line]:
            for line in lines:
                progress.update(task, advance=len(line.text), lines=line.number)
                yield line

        def tell(number: int, reason: str) -> None:
            out.print(f"line {number}: {reason}", soft_wrap=True)

        yield watched, tell


def ignore(number: int, reason: str) -> None:
    """Bad lines are told at the end, in JSON."""
