"""Runs pgbench, whose clients cost next to nothing; it must never hide a transaction that failed."""

import os
import re
import subprocess
import tempfile

from benchmarks.failures import BenchmarkFailed
from benchmarks.servers import postgres_binary

THREADS = 2
PROCESSED = re.compile(r"number of transactions actually processed: (\d+)")
FAILED = re.compile(r"number of failed transactions: (\d+)")
RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


def run_pgbench(dsn: str, script: str, *, clients: int, seconds: float) -> tuple[int, float]:
    """Run one statement over and over. Returns how many transactions, and how many per second.

    pgbench counts whole seconds: at least one.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [postgres_binary("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={file.name}"]
        command += [f"--client={clients}", f"--jobs={min(THREADS, clients)}"]
        command += [f"--time={max(round(seconds), 1)}", dsn]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"}
        )
    return figures(done.stdout) if done.returncode == 0 else _fail(done.stderr)


def figures(report: str) -> tuple[int, float]:
    """Transactions and transactions per second, from what pgbench prints."""
    processed, failed, rate = (pattern.search(report) for pattern in (PROCESSED, FAILED, RATE))
    if processed is None or rate is None or (failed is not None and failed[1] != "0"):
        raise BenchmarkFailed(f"pgbench did not run clean: {report.strip()}")
    return int(processed[1]), float(rate[1])


def _fail(complaint: str) -> tuple[int, float]:
    lines = complaint.strip().splitlines()
    raise BenchmarkFailed(f"pgbench failed: {lines[-1] if lines else 'it said nothing'}")
