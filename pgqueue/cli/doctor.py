"""`doctor`: what hurts this installation, why, and what mends it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from pgqueue import migrate
from pgqueue.cli import options
from pgqueue.cli.connection import connected, required
from pgqueue.cli.failures import FAILED
from pgqueue.cli.migrate import check_name
from pgqueue.cli.output import console, print_json
from pgqueue.doctor.examine import examine
from pgqueue.doctor.finding import Finding
from pgqueue.settings import SCHEMA

STYLES = {"ok": "green", "advice": "yellow", "problem": "bold red"}

Longest = Annotated[
    timedelta,
    options.duration("How long a transaction may stay open before it is a problem.", default="1m"),
]


def doctor(
    *,
    longest_transaction: Longest = timedelta(minutes=1),
    dsn: options.Dsn = None,
    schema: options.Schema = SCHEMA,
    as_json: options.AsJson = False,
) -> None:
    """Examine the installation: schema, partitions, horizon, bloat, settings, pooler, clock, workers.

    Changes nothing. Exit code 1 if there is a problem, 0 if there is none, for CI.
    """
    check_name(schema)
    with connected(dsn) as connection:
        status = migrate.status(required(dsn), schema)
        findings = list(examine(connection, status, schema=schema, longest=longest_transaction))
    is_healthy = all(finding.level != "problem" for finding in findings)
    if as_json:
        print_json({"healthy": is_healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        print_findings(findings)
    if not is_healthy:
        raise typer.Exit(FAILED)


def print_findings(findings: Sequence[Finding]) -> None:
    """One a row, the mend below its cause."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        table.add_row(finding.level, finding.check, finding.cause, style=STYLES[finding.level])
        if finding.mend:
            table.add_row("", "", finding.mend)
    console().print(table)
