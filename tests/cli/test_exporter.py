"""Tests of `exporter` as a process of its own, and of what it refuses."""

import signal
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Run, started
from tests.metrics.reading import scrape
from tests.waiting import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_metrics_until_told_to_stop(dsn: str, tmp_path: Path, number: signal.Signals) -> None:
    with started("exporter", "--metrics-port", "0", folder=tmp_path, dsn=dsn) as exporter:
        assert exporter.stdout is not None
        said = exporter.stdout.readline().strip()
        port = int(said.removeprefix("metrics: http://127.0.0.1:").removesuffix("/metrics"))
        await until(lambda: scrape(port)("pgqueue_up") == 1)
        exporter.send_signal(number)
        _, errors = exporter.communicate(timeout=30)

    assert (exporter.returncode, "Traceback" in errors) == (0, False), errors


def test_it_refuses_a_port_that_is_taken(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("exporter", "--metrics-port", port)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"pgqueue: cannot serve metrics on 127.0.0.1 port {port}: ")


def test_it_needs_a_database(bare_run: Run) -> None:
    assert "where is the database?" in bare_run("exporter").stderr
