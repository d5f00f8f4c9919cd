"""Tests of `worker` as processes of their own, and of what it refuses before it starts."""

import signal
import socket
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from pgqueue import Client, Job
from tests.cli.conftest import Run, started
from tests.metrics.reading import free_port, scrape
from tests.waiting import until

TASKS = """
import os
import pgqueue

@pgqueue.task(queue="chores", keep_result=True)
def process() -> int:
    return os.getpid()
"""
PROCESS = Job(queue="chores", task="chores.process", payload="{}", keep_result=True)
SOON = timedelta(seconds=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chores.py").write_text(TASKS)
    return tmp_path


def test_a_worker_drains_its_queues_and_ends(folder: Path, client: Client, dsn: str) -> None:
    job_ids = client.enqueue_many([PROCESS] * 20)

    with started("worker", "chores", "--drain", folder=folder, dsn=dsn) as worker:
        _, said = worker.communicate(timeout=SOON.total_seconds())

    assert (worker.returncode, "Traceback" in said) == (0, False), said
    assert {client.wait(job_id, timeout=SOON).state for job_id in job_ids} == {"succeeded"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_told_to_stop_ends_well(
    folder: Path, client: Client, dsn: str, number: signal.Signals
) -> None:
    job_id = client.enqueue(PROCESS)

    with started(
        "worker", "chores", "--queue", "chores=2", "--queue", "slow", folder=folder, dsn=dsn
    ) as worker:
        ran_in = client.wait(job_id, timeout=SOON).result
        worker.send_signal(number)
        _, said = worker.communicate(timeout=SOON.total_seconds())

    assert (worker.returncode, "Traceback" in said) == (0, False), said
    assert ran_in == worker.pid


def test_several_processes_stop_together(folder: Path, client: Client, dsn: str) -> None:
    job_id = client.enqueue(PROCESS)

    with started("worker", "chores", "--processes", "2", folder=folder, dsn=dsn) as supervisor:
        ran_in = client.wait(job_id, timeout=SOON).result
        children = psutil.Process(supervisor.pid).children()
        command_lines = " ".join(part for child in children for part in child.cmdline())
        supervisor.send_signal(signal.SIGTERM)
        _, said = supervisor.communicate(timeout=SOON.total_seconds())

    assert (supervisor.returncode, "Traceback" in said) == (0, False), said
    assert ran_in in {child.pid for child in children}
    assert len(children) == 2
    assert not any(child.is_running() for child in children)
    assert dsn not in command_lines


def test_several_processes_drain_together(folder: Path, client: Client, dsn: str) -> None:
    job_ids = client.enqueue_many([PROCESS] * 20)

    with started("worker", "chores", "--processes", "2", "--drain", folder=folder, dsn=dsn) as supervisor:
        _, said = supervisor.communicate(timeout=SOON.total_seconds())

    assert (supervisor.returncode, "Traceback" in said) == (0, False), said
    assert {client.wait(job_id, timeout=SOON).state for job_id in job_ids} == {"succeeded"}


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_worker_serves_its_metrics(folder: Path, client: Client, dsn: str, processes: int) -> None:
    """Those of all processes together; one that was killed takes nothing with it."""
    port = free_port()
    options = ["--processes", str(processes), "--metrics-port", str(port)]
    counted = "pgqueue_worker_attempts_ended_total"

    def succeeded() -> float:
        labels = {"queue": "chores", "task": "chores.process", "outcome": "succeeded"}
        return scrape(port)(counted, **labels) or 0

    with started("worker", "chores", *options, folder=folder, dsn=dsn) as worker:
        ran_in = [client.wait(job_id, timeout=SOON).result for job_id in client.enqueue_many([PROCESS] * 5)]
        await until(lambda: succeeded() == 5)
        told = scrape(port)("pgqueue_worker_processes")
        if processes > 1:
            psutil.Process(ran_in[0]).kill()
            client.wait(client.enqueue(PROCESS), timeout=SOON)
            await until(lambda: succeeded() == 6)
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=SOON.total_seconds())

    assert (worker.returncode, "Traceback" in said) == (0, False), said
    assert told == processes


def test_a_worker_refuses_a_port_for_metrics_that_is_taken(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("worker", "pgqueue.demo.tasks", "--metrics-port", port)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"pgqueue: cannot serve metrics on 127.0.0.1 port {port}: ")


def test_workers_stop_when_their_supervisor_is_killed(folder: Path, client: Client, dsn: str) -> None:
    job_id = client.enqueue(PROCESS)

    with started("worker", "chores", "--processes", "2", folder=folder, dsn=dsn) as supervisor:
        client.wait(job_id, timeout=SOON)
        children = psutil.Process(supervisor.pid).children()
        supervisor.kill()
        _, alive = psutil.wait_procs(children, timeout=SOON.total_seconds())

    assert (len(children), alive) == (2, [])


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_needs_modules_with_tasks(bare_run: Run, processes: str) -> None:
    result = bare_run("worker", "nowhere_to_be_found", "--processes", processes)

    assert result.exit_code == 2
    assert result.stderr.startswith("pgqueue: there is no module nowhere_to_be_found")
    assert bare_run("worker").exit_code == 2


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_refuses_an_older_schema_naming_the_mend(run: Run, dsn: str, processes: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("update pgqueue.alembic_version set version_num = '0000'")

    result = run("worker", "pgqueue.demo.tasks", "--processes", processes)

    assert result.exit_code == 1
    assert "run `pgqueue migrate`" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_worker_needs_pgqueue_there(bare_run: Run, bare_dsn: str) -> None:
    result = bare_run("worker", "pgqueue.demo.tasks", "--dsn", bare_dsn)

    assert result.exit_code == 1
    assert "pgqueue migrate" in result.stderr


def test_a_worker_needs_a_database(bare_run: Run) -> None:
    assert "where is the database?" in bare_run("worker", "pgqueue.demo.tasks").stderr
    refused = bare_run("worker", "pgqueue.demo.tasks", "--dsn", "postgresql://me:sesame@127.0.0.1:1/shop")

    assert refused.exit_code == 1
    assert "cannot connect" in refused.stderr
    assert "sesame" not in refused.output


def test_settings_out_of_bounds_are_told(run: Run) -> None:
    short = run("worker", "pgqueue.demo.tasks", "--lease", "1ms")
    unreadable = run("worker", "pgqueue.demo.tasks", "--lease", "60")

    assert (short.exit_code, unreadable.exit_code) == (2, 2)
    assert "--lease" in short.stderr
    assert "60s" in unreadable.stderr
