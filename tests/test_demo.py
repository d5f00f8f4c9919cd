"""Tests of the demo: what it reads, what it counts, and that it leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from pgqueue import Client
from pgqueue.cli import app
from pgqueue.demo import indexing, tables
from pgqueue.demo.facts import Facts, facts_of
from pgqueue.demo.sources import FLAKY, LEFT_OUT, library, planted

ROOT = Path(__file__).parent.parent
SOURCE = b"""
import os, os.path
from collections.abc import Iterator
from . import sibling
from .cousin import second

async def fetch():
    import json

class Shop:
    def open(self):
        try:
            match self:
                case Shop():
                    def inner(): ...
        except ValueError:
            import re
        else:
            with self:
                class Till: ...
        finally:
            while True:
                import os
"""
FIGURES = {"jobs", "succeeded", "retried", "dead", "jobs_per_second", "seconds", "rows_written"}
PATIENCE_SECONDS = 120


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files that the system user can reach."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def demo(*arguments: str, temporary: Path) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PGQUEUE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "pgqueue", "demo", *arguments],
        env=environment | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def demo_on(dsn: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["demo", "--dsn", dsn, "--processes", "1", "--no-dashboard", *arguments])


def check(figures: dict[str, Any]) -> None:
    """What must hold of every run."""
    assert set(figures) == FIGURES
    assert figures["succeeded"] + figures["dead"] == figures["jobs"]
    assert figures["rows_written"] == figures["succeeded"]
    assert figures["dead"] == 1
    assert figures["retried"] == FLAKY + 2  # the broken file has three attempts
    assert figures["jobs_per_second"] == pytest.approx(figures["jobs"] / figures["seconds"], rel=0.01)


def exists(dsn: str, name: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.execute("select to_regclass(%s) is not null", [name]).fetchone() == (True,)


@pytest.fixture
def few_files(monkeypatch: pytest.MonkeyPatch) -> int:
    """A small library, for runs on a server that is there already."""
    monkeypatch.setattr(indexing, "library", lambda: library()[:20])
    return 20 + FLAKY + 1


@pytest.mark.slow
def test_the_demo_indexes_the_library_and_cleans_up(temporary: Path) -> None:
    process = demo("--json", temporary=temporary)
    said, complained = process.communicate(timeout=PATIENCE_SECONDS)

    assert (process.returncode, complained) == (0, "")
    figures = json.loads(said)
    check(figures)
    assert figures["jobs"] == len(library()) + FLAKY + 1
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_told_to_stop_cleans_up(temporary: Path, number: signal.Signals) -> None:
    process = demo(temporary=temporary)
    assert process.stdout is not None
    where = process.stdout.readline()
    first_failure = process.stdout.readline()
    process.send_signal(number)
    _, complained = process.communicate(timeout=PATIENCE_SECONDS)

    assert where.startswith("Dashboard: http://127.0.0.1:")
    assert first_failure.startswith("job ")
    assert (process.returncode, "Traceback" in complained) == (128 + number, False), complained
    assert list(temporary.iterdir()) == []


def test_it_works_twice_in_one_database_and_leaves_nothing(dsn: str, few_files: int) -> None:
    runs = [demo_on(dsn, "--json") for _ in range(2)]

    for result in runs:
        assert result.exit_code == 0, result.output
        figures = json.loads(result.stdout)
        check(figures)
        assert figures["jobs"] == few_files
    assert not exists(dsn, "pgqueue_demo.demo_files")
    with Client(dsn) as client:
        assert client.dead_letters() == []


def test_people_see_the_failures_and_a_summary(dsn: str, few_files: int) -> None:
    result = demo_on(dsn)

    assert result.exit_code == 0, result.output
    assert result.output.count("to be retried: OSError: planted: flaky_") == FLAKY
    assert "attempt 3, dead: SyntaxError" in result.output
    assert "Most imported" in result.output


def test_one_demo_at_a_time(dsn: str, few_files: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as other, tables.demo_tables(other):
        result = demo_on(dsn)

        assert exists(dsn, "pgqueue_demo.demo_files")
    assert result.exit_code == 1
    assert "a demo is running in this database already" in result.stderr


def test_a_database_without_pgqueue_is_told(bare_dsn: str) -> None:
    result = demo_on(bare_dsn)

    assert result.exit_code == 1
    assert "pgqueue migrate" in result.stderr


def test_the_facts_of_a_file() -> None:
    facts = facts_of(SOURCE, "shop.py")

    assert facts == Facts(
        lines=len(SOURCE.splitlines()), functions=3, classes=2, modules=("collections", "json", "os", "re")
    )


def test_the_library_has_no_tests_and_nothing_installed() -> None:
    files = library()

    assert len(files) > 300
    assert any(file.name == "argparse.py" for file in files)
    assert not any(LEFT_OUT & set(file.parts[-4:]) for file in files)


def test_the_broken_file_is_broken_and_the_flaky_are_not() -> None:
    with planted() as files:
        with pytest.raises(SyntaxError):
            facts_of(files.broken.read_bytes(), "broken.py")
        modules = {facts_of(file.read_bytes(), file.name).modules for file in files.flaky}

    assert modules == {("this",)}
    assert not files.broken.exists()
