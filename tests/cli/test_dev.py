"""Tests of `dev`: a database, its schema and a worker in one process."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from pgqueue import Client, Job, JobRecord
from tests.cli.conftest import started

TASKS = """
import pgqueue

@pgqueue.task(queue="chores", keep_result=True)
async def add(a: int, b: int) -> int:
    return a + b
"""
ADD = Job(queue="chores", task="chores.add", payload='{"a": 3, "b": 4}', keep_result=True)
SOON = timedelta(seconds=60)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder the system user can reach; pytest's own are closed to all but their owner."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "chores.py").write_text(TASKS)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_dev_runs_everything_and_keeps_the_data(folder: Path) -> None:
    job_ids: list[int] = []
    records: list[JobRecord] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with started("dev", "chores", folder=folder) as process:
            assert process.stdout is not None
            dsn = process.stdout.readline().strip().removeprefix("PGQUEUE_DSN='").removesuffix("'")
            with Client(dsn) as client:
                job_ids.append(client.enqueue(ADD))
                records = [client.wait(job_id, timeout=SOON) for job_id in job_ids]
            process.send_signal(number)
            _, said = process.communicate(timeout=SOON.total_seconds())

        assert (process.returncode, "Traceback" in said) == (0, False), said
        assert {record.result for record in records} == {7}
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn)
    assert len(records) == 2
    assert (folder / ".pgqueue" / ".gitignore").read_text() == "*\n"


def test_dev_needs_modules_with_tasks(folder: Path) -> None:
    with started("dev", "nowhere_to_be_found", folder=folder) as process:
        _, said = process.communicate(timeout=SOON.total_seconds())

    assert process.returncode == 2
    assert said.startswith("pgqueue: there is no module nowhere_to_be_found")
    assert not (folder / ".pgqueue").exists()
