"""Tests of wrong clocks: a worker's process sees the wrong time, by libfaketime or without it, and works."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos import clocks

ROOT = Path(__file__).parents[2]
TOLD = "import time; print(time.time())"


def told(command: list[str], environment: dict[str, str]) -> str:
    answer = subprocess.run(
        command, env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return answer.stdout


@pytest.mark.parametrize("offset_seconds", clocks.OFFSETS_SECONDS)
def test_a_process_is_as_far_off_as_it_should_be(offset_seconds: int) -> None:
    if offset_seconds and clocks.library() is None:
        pytest.skip("libfaketime is not installed")

    seen = float(told([sys.executable, "-c", TOLD], clocks.environment(offset_seconds)))

    assert abs(seen - time.time() - offset_seconds) < 60


def test_without_the_library_python_itself_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "library", lambda: None)
    script = f"from tests.chaos.wrong_clock import be_off; be_off({clocks.HOUR_SECONDS}); {TOLD}"

    seen = float(told([sys.executable, "-c", script], clocks.environment(clocks.HOUR_SECONDS)))
    command = told([*clocks.interpreter(clocks.HOUR_SECONDS), "--help"], {})

    assert abs(seen - time.time() - clocks.HOUR_SECONDS) < 60
    assert "worker" in command
