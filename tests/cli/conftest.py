"""Runs the command line in this process, and programs of a user's own in theirs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pgqueue import Client
from pgqueue.cli import app

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.fixture
def bare_run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with no database named."""
    for name in ("PGQUEUE_DSN", "PGQUEUE_WATCH_DSN", "PGQUEUE_SCHEMA"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object, answer: str | None = None) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=answer)
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def run(bare_run: Run, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the test's own database."""
    monkeypatch.setenv("PGQUEUE_DSN", dsn)
    return bare_run


@pytest.fixture
def client(dsn: str) -> Iterator[Client]:
    with Client(dsn) as client:
        yield client


@contextmanager
def started(
    *arguments: str, folder: Path, dsn: str | None = None, environment: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """`pgqueue` with these arguments as a process of its own, killed at the end if it still runs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PGQUEUE_")}
    named = {"PGQUEUE_DSN": dsn} if dsn else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "pgqueue", *arguments],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT)} | named | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
