"""Asks what a server or a fleet has cost in CPU; it must never count the harness."""

import contextlib

import psutil


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
