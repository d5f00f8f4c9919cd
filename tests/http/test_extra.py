"""Tests that whoever lacks an extra is told what to install."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.modules[sys.argv[1]] = None  # as if it were not there
import pgqueue.errors
try:
    import pgqueue.dashboard
except pgqueue.errors.MissingExtra as error:
    print(error)
"""


@pytest.mark.parametrize("missing", ["fastapi", "fastapi.sse", "nicegui"])
def test_what_is_missing_is_told(missing: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, missing], capture_output=True, text=True, check=True
    )

    assert said.stdout.startswith(f"{missing} is not installed; run: pip install 'pgqueue-py[")
