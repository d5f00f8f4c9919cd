"""Asks what a server or a fleet has cost in CPU; it must never count the harness."""

import contextlib
from pathlib import Path

import psutil
import psycopg

BACKENDS = """
select pid
from pg_stat_activity
where datname = current_database()
    and backend_type = 'client backend'
    and pid <> pg_backend_pid()
"""


def cpu_seconds(pid: int) -> float:
    """CPU spent so far by a process and all its descendants, those included that have ended.

    It never falls, and it never fails because one of them ends meanwhile: its parent takes over the sum.
    """
    root = psutil.Process(pid)
    family = [root, *root.children(recursive=True)]
    return sum(_own_and_reaped_seconds(process) for process in family)


def _own_and_reaped_seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        spent = process.cpu_times()
        return float(spent.user + spent.system + spent.children_user + spent.children_system)
    return 0.0


def backends_cpu_seconds(dsn: str) -> float:
    """CPU spent so far by the sessions now open in this database; vacuum and other databases aside."""
    with psycopg.connect(dsn, autocommit=True) as observer:
        return sum(_exact_seconds(pid) for (pid,) in observer.execute(BACKENDS).fetchall())


def _exact_seconds(pid: int) -> float:
    """In nanoseconds where the kernel tells (Linux), else in hundredths of a second."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    with contextlib.suppress(psutil.NoSuchProcess):
        spent = psutil.Process(pid).cpu_times()
        return float(spent.user + spent.system)
    return 0.0
