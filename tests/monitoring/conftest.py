"""Finds Prometheus' own tools, which are no Python packages."""

import shutil
import subprocess
from collections.abc import Callable

import pytest

Promtool = Callable[..., "subprocess.CompletedProcess[str]"]


def installed(name: str) -> str:
    """Where a tool of Prometheus is; without it the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here: apt-get install prometheus")
    return found


@pytest.fixture
def promtool() -> Promtool:
    """Runs promtool."""
    command = installed("promtool")

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [command, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
        )

    return run
