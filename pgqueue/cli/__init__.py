"""The command line: one file a command or group of commands, each a thin layer over the public calls."""

import typer

from pgqueue.cli import dead, jobs, queues, workers
from pgqueue.cli.demo import demo
from pgqueue.cli.dev import dev
from pgqueue.cli.doctor import doctor
from pgqueue.cli.enqueue import enqueue
from pgqueue.cli.exporter import exporter
from pgqueue.cli.failures import Commands
from pgqueue.cli.maintain import maintain
from pgqueue.cli.migrate import downgrade, migrate, status
from pgqueue.cli.serve import serve
from pgqueue.cli.settings import settings
from pgqueue.cli.stats import stats
from pgqueue.cli.token import token
from pgqueue.cli.version import Version
from pgqueue.cli.worker import worker

EXIT_CODES = "Exit codes: 0 done, 1 it failed, 2 it was asked the wrong way."

app = typer.Typer(
    cls=Commands,
    name="pgqueue",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,  # a bug's traceback must not show variables: one may be a DSN
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def pgqueue(version: Version = False) -> None:
    """A job queue in your PostgreSQL: enqueue in your own transaction, work it, retry it, bury it."""


for command in (
    migrate,
    status,
    downgrade,
    settings,
    maintain,
    doctor,
    stats,
    worker,
    exporter,
    serve,
    token,
    dev,
    demo,
    enqueue,
):
    app.command()(command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(dead.app, name="dead")
app.add_typer(queues.app, name="queues")
app.add_typer(workers.app, name="workers")
