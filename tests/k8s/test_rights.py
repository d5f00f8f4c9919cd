"""Tests that each workload can do its work with the role whose DSN its secret holds."""

import asyncio
from datetime import timedelta

from typer.testing import CliRunner

from pgqueue.cli import app
from pgqueue.metrics.exporter import Exporter
from tests.cli.conftest import started
from tests.k8s.manifests import K8S, Document, container, workloads
from tests.metrics.reading import read
from tests.waiting import PATIENCE_SECONDS, until

ROLES = {"worker": "pgqueue_worker", "admin": "pgqueue_admin"}


def key_of(workload: Document) -> str:
    """The key of the secret that its DSN stands under."""
    [variable] = [one for one in container(workload)["env"] if one["name"] == "PGQUEUE_DSN"]
    key: str = variable["valueFrom"]["secretKeyRef"]["key"]
    return key


def as_role(dsn: str, workload: str) -> str:
    """The DSN with the rights that this workload has."""
    return f"{dsn}&options=-c%20role%3D{ROLES[key_of(workloads('keda')[workload])]}"


def test_who_works_is_no_admin_and_who_migrates_is_the_owner() -> None:
    assert {name: key_of(found) for name, found in workloads("keda").items()} == {
        "pgqueue-migrate": "owner",
        "pgqueue-worker": "worker",
        "pgqueue-exporter": "worker",
        "pgqueue-maintain": "worker",
        "pgqueue-serve": "admin",
    }


async def test_the_exporter_samples(dsn: str) -> None:
    exporter = Exporter(as_role(dsn, "pgqueue-exporter"), interval=timedelta(milliseconds=20))
    running = asyncio.create_task(exporter.run())

    await until(lambda: read(exporter)("pgqueue_up") == 1)

    exporter.stop()
    await running


def test_the_house_is_kept(dsn: str) -> None:
    result = CliRunner().invoke(app, ["maintain"], env={"PGQUEUE_DSN": as_role(dsn, "pgqueue-maintain")})

    assert result.exit_code == 0, result.output


def test_jobs_are_worked(dsn: str) -> None:
    direct = as_role(dsn, "pgqueue-worker")
    with started("worker", "tests.drill.tasks", "--drain", folder=K8S, dsn=direct) as worker:
        _, said = worker.communicate(timeout=PATIENCE_SECONDS)

    assert (worker.returncode, "Traceback" in said) == (0, False), said
