"""The worker's options: their help from the settings' own fields, and what is made of them. Runs nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import ValidationError

from pgqueue.cli import options
from pgqueue.cli.failures import CommandMisused
from pgqueue.cli.modules import AnyTask
from pgqueue.durations import spelled
from pgqueue.settings import WorkerSettings

QueueChoice = list[str] | dict[str, int]


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def meaning(name: str) -> str:
    """What a setting means, as its field tells it."""
    return " ".join((WorkerSettings.model_fields[name].description or "").split())


def default(name: str) -> str:
    """A setting's default, as the help shows it."""
    value = WorkerSettings.model_fields[name].default
    return f"{value.total_seconds():g}s" if isinstance(value, timedelta) else str(value)


Modules = Annotated[
    list[str],
    typer.Argument(
        help="Modules with tasks, such as tasks or shop.tasks; a package stands for all below it.",
        metavar="MODULE",
        show_default=False,
    ),
]
Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue",
        metavar="NAME[=WEIGHT]",
        help="A queue to work; again for each. Weight 3 is served three times as often as weight 1."
        " Without it: the queues of the tasks found.",
        show_default=False,
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Serve a queue only while those named before it are empty.")
]
Concurrency = Annotated[
    int | None, typer.Option(help=meaning("concurrency"), show_default=default("concurrency"))
]
Processes = Annotated[int, typer.Option(min=1, help="Worker processes, for CPU-bound work.")]
Lease = Annotated[timedelta | None, options.duration(meaning("lease"), default=default("lease"))]
Grace = Annotated[timedelta | None, options.duration(meaning("grace"), default=default("grace"))]
DurableFinishes = Annotated[bool, typer.Option("--durable-finishes", help=meaning("durable_finishes"))]
PollOnly = Annotated[
    bool, typer.Option("--poll-only", help="Do not LISTEN, only poll: for poolers without sessions.")
]
WatchDsn = Annotated[
    str | None,
    typer.Option(
        envvar="PGQUEUE_WATCH_DSN",
        help="A direct DSN to LISTEN on, where --dsn goes through a pooler.",
        show_default=False,
    ),
]
Drain = Annotated[bool, typer.Option("--drain", help="Stop when no job is left.")]
Prepare = Annotated[bool, typer.Option(help="Prepare statements; some poolers cannot keep them.")]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="Serve metrics for Prometheus here, those of all processes together.",
        show_default=False,
    ),
]
Level = Annotated[LogLevel, typer.Option("--log-level", help="The least that is logged, on stderr.")]
LogJson = Annotated[
    bool, typer.Option("--log-json", help="Log a JSON object a line, with the job a line is about.")
]
Traced = Annotated[
    bool,
    typer.Option("--tracing", help="Make spans by OpenTelemetry; where they go is its own to be told."),
]
Supervised = Annotated[bool, typer.Option("--supervised", hidden=True)]


def settings_of(
    *,
    concurrency: int | None = None,
    lease: timedelta | None = None,
    grace: timedelta | None = None,
    durable_finishes: bool = False,
) -> WorkerSettings:
    """The settings with what was given on the command line. Raises CommandMisused."""
    given = {
        "concurrency": concurrency,
        "lease": lease,
        "grace": grace,
        "durable_finishes": durable_finishes,
    }
    try:
        return WorkerSettings.model_validate(
            {key: value for key, value in given.items() if value is not None}
        )
    except ValidationError as error:
        told = "; ".join(f"--{entry['loc'][0]}: {entry['msg']}" for entry in error.errors(include_url=False))
        raise CommandMisused(told) from error


def queues_of(given: Sequence[str], tasks: Iterable[AnyTask], *, strict: bool) -> QueueChoice:
    """The queues to work: those given, with their weights if any has one, else those of the tasks.

    Raises CommandMisused.
    """
    if not given:
        return sorted({task.queue for task in tasks})
    named = [name_and_weight(text) for text in given]
    names = [name for name, _ in named]
    if len(set(names)) < len(names):
        raise CommandMisused(f"a queue is named twice: {', '.join(given)}")
    if all(weight is None for _, weight in named):
        return names
    if strict:
        raise CommandMisused("--strict serves queues in their order: leave the weights out")
    return {name: weight or 1 for name, weight in named}


def name_and_weight(text: str) -> tuple[str, int | None]:
    """The queue, and its weight if it has one. Raises CommandMisused."""
    name, equals, weight = text.rpartition("=")
    if not equals:
        return text, None
    if not name or not weight.isdecimal() or int(weight) == 0:
        raise CommandMisused(f"--queue {text} is not NAME or NAME=WEIGHT with a weight of 1 or more")
    return name, int(weight)


def child_arguments(
    modules: Sequence[str],
    queues: Sequence[str],
    *,
    settings: WorkerSettings,
    schema: str,
    log_level: LogLevel,
    flags: Mapping[str, bool],
) -> list[str]:
    """The arguments of `pgqueue worker` for one of several processes. No DSN: everybody can read these."""
    return [
        *modules,
        *(part for queue in queues for part in ("--queue", queue)),
        *("--concurrency", str(settings.concurrency)),
        *("--lease", spelled(settings.lease)),
        *("--grace", spelled(settings.grace)),
        *("--schema", schema),
        *("--log-level", log_level.value),
        *(["--durable-finishes"] if settings.durable_finishes else []),
        *(flag for flag, is_set in flags.items() if is_set),
    ]
