"""Tests of the lines a worker process logs, as text and as JSON."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pgqueue import Client, Job
from tests.cli.conftest import started

TASKS = """
import logging
import pgqueue

@pgqueue.task(queue="chores")
def speak() -> None:
    logging.getLogger("shop").info("charged", extra={"cents": 995})

@pgqueue.task(queue="chores", max_attempts=1)
def fail() -> None:
    logging.getLogger("shop").exception("no money", exc_info=ValueError("empty"))
"""
SPEAK = Job(queue="chores", task="chores.speak", payload="{}")
FAIL = Job(queue="chores", task="chores.fail", payload="{}")
SOON = timedelta(seconds=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chores.py").write_text(TASKS)
    return tmp_path


def said_by(folder: Path, dsn: str, *options: str) -> list[str]:
    """What a worker says that runs all there is."""
    with started("worker", "chores", "--drain", *options, folder=folder, dsn=dsn) as worker:
        _, said = worker.communicate(timeout=SOON.total_seconds())
    assert worker.returncode == 0, said
    return str(said).splitlines()


def test_a_handlers_line_names_its_job(folder: Path, client: Client, dsn: str) -> None:
    job = client.enqueue(SPEAK)

    said = said_by(folder, dsn)

    (line,) = [line for line in said if "charged" in line]
    assert line.endswith(f": [job {job} attempt 1] charged")


@pytest.mark.parametrize("processes", [[], ["--processes", "2"]], ids=["one", "several"])
def test_every_line_is_a_json_object(folder: Path, client: Client, dsn: str, processes: list[str]) -> None:
    spoken, failed = client.enqueue(SPEAK), client.enqueue(FAIL)

    lines = [json.loads(line) for line in said_by(folder, dsn, "--log-json", *processes)]

    (charged,) = [line for line in lines if line["message"] == "charged"]
    assert (charged["job"], charged["attempt"], charged["cents"]) == (str(spoken), 1, 995)
    assert (charged["level"], charged["logger"], charged["task"]) == ("INFO", "shop", "chores.speak")
    (no_money,) = [line for line in lines if line["message"] == "no money"]
    assert (no_money["job"], "ValueError: empty" in no_money["traceback"]) == (str(failed), True)
