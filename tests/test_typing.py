"""Tests that a type checker finds wrong enqueues, and finds no fault with right ones: mypy and pyright."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLANTED = ROOT / "tests" / "typing" / "planted.py"
MARK = re.compile(r"# wrong: (.+)$")
MYPY_LINE = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: ")


def marked() -> dict[int, str]:
    """The lines that must be reported, and what is wrong with each."""
    found = {
        number: MARK.search(line) for number, line in enumerate(PLANTED.read_text().splitlines(), start=1)
    }
    return {number: match[1] for number, match in found.items() if match}


def run(*command: str) -> str:
    """What a checker says, whatever it ends with."""
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, cwd=ROOT
    ).stdout


def mypy(folder: Path) -> dict[int, str]:
    """Line by line what mypy reports."""
    output = run("mypy", "--strict", "--no-pretty", "--cache-dir", str(folder), str(PLANTED))
    matches = [(MYPY_LINE.match(line), line) for line in output.splitlines()]
    errors = {int(match["line"]): line for match, line in matches if match}
    assert all(Path(match["file"]).name == PLANTED.name for match, _ in matches if match), output
    assert errors, output
    return errors


def pyright(folder: Path) -> dict[int, str]:
    """Line by line what pyright reports, in its standard mode."""
    output = run("basedpyright", "--outputjson", "--pythonpath", sys.executable, str(PLANTED))
    found = json.loads(output)["generalDiagnostics"]
    return {
        entry["range"]["start"]["line"] + 1: entry["message"]
        for entry in found
        if entry["severity"] == "error"
    }


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_every_planted_mistake_is_found_and_nothing_else(
    checker: Callable[[Path], dict[int, str]], tmp_path: Path
) -> None:
    expected = marked()

    reported = checker(tmp_path)

    assert {line: expected[line] for line in expected.keys() - reported.keys()} == {}, "missed"
    assert {line: reported[line] for line in reported.keys() - expected.keys()} == {}, "reported, but right"
    assert len(expected) > 40
