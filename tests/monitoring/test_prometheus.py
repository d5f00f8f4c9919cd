"""A real Prometheus scrapes a real exporter and a real worker, and knows what they did."""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pgqueue import Client, Job
from tests.cli.conftest import started
from tests.metrics.reading import free_port
from tests.monitoring.conftest import installed
from tests.monitoring.expressions import RULES
from tests.monitoring.test_dashboard import expressions
from tests.waiting import until

pytestmark = pytest.mark.slow

TASKS = """
import pgqueue

@pgqueue.task(queue="chores")
async def process() -> None:
    pass
"""
PROCESS = Job(queue="chores", task="chores.process", payload="{}")
UNKNOWN_QUEUE = Job(queue="nobody", task="chores.process", payload="{}")


class Prometheus:
    """The API of one that runs."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str, **values: str) -> Any:
        """What it answers; None while it cannot."""
        query = urllib.parse.urlencode(values)
        try:
            with urllib.request.urlopen(f"{self._address}/{path}?{query}", timeout=10) as answer:
                return json.loads(answer.read())["data"]
        except OSError:
            return None

    def value(self, expression: str) -> float | None:
        """The one value of an expression."""
        data = self.get("query", query=expression)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None


@contextmanager
def prometheus(folder: Path, **targets: int) -> Iterator[Prometheus]:
    """One that scrapes these ports every second, with our rules."""
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for name, port in targets.items()
    ]
    config = folder / "prometheus.yml"
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config.write_text(json.dumps({"global": every, "rule_files": [str(RULES)], "scrape_configs": jobs}))
    port = free_port()
    options = {
        "config.file": config,
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "log.level": "error",
    }
    process = subprocess.Popen(
        [installed("prometheus"), *(f"--{name}={value}" for name, value in options.items())],
        stdin=subprocess.DEVNULL,
    )
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(30)


async def test_it_knows_what_was_done(dsn: str, tmp_path: Path) -> None:
    installed("prometheus")
    (tmp_path / "chores.py").write_text(TASKS)
    exporter_port, worker_port = free_port(), free_port()
    exporter = ["exporter", "--metrics-port", str(exporter_port), "--interval", "500ms"]
    worker = ["worker", "chores", "--processes", "2", "--metrics-port", str(worker_port)]
    with (
        Client(dsn) as client,
        started(*exporter, folder=tmp_path, dsn=dsn),
        started(*worker, folder=tmp_path, dsn=dsn),
        prometheus(tmp_path, exporter=exporter_port, worker=worker_port) as server,
    ):
        await until(lambda: server.value("sum(up)") == 2, seconds=60)
        await until(lambda: server.value("pgqueue_up") == 1)
        client.enqueue_many([PROCESS] * 50)
        client.enqueue_many([UNKNOWN_QUEUE] * 7)

        ended = 'sum(pgqueue_worker_attempts_ended_total{task="chores.process",outcome="succeeded"})'
        await until(lambda: server.value(ended) == 50)
        await until(lambda: server.value('pgqueue_queue_jobs{queue="nobody",state="waiting"}') == 7)
        await until(lambda: server.value('pgqueue_queue_workers{queue="chores"}') == 2)
        await until(lambda: server.value("pgqueue_worker_processes") == 2)
        rules = server.get("rules")["groups"]
        refused = [each for each in expressions() if server.get("query", query=each) is None]

    assert [rule["name"] for group in rules for rule in group["rules"] if rule.get("lastError")] == []
    assert sum(len(group["rules"]) for group in rules) > 0
    assert refused == []
