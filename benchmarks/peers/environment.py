"""A peer's own virtual environment; it must never touch the one the harness runs in."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.failures import BenchmarkFailed
from benchmarks.peers.catalogue import Peer

FOLDER = Path(__file__).resolve().parents[2] / ".venv" / "peers"
"""Beside what else `make` installs, so that `make clean` ends it too."""
STAMP = "installed.txt"
OLDEST_PYTHON = "3.11"
MINORS_TO_TRY = 5


class Environment:
    """Where a peer is installed, or will be."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._home = FOLDER / peer.name

    @property
    def python(self) -> Path:
        """The interpreter that has the peer."""
        return self._home / "bin" / "python"

    def is_made(self) -> bool:
        """Whether exactly the pinned versions were installed."""
        stamp = self._home / STAMP
        return stamp.exists() and stamp.read_text(encoding="utf-8") == self._pins()

    def make(self) -> None:
        """Install the pinned versions, through pip as it is configured. Raises BenchmarkFailed."""
        shutil.rmtree(self._home, ignore_errors=True)
        _run([self._interpreter(), "-m", "venv", "--without-pip", str(self._home)])
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", *self._peer.requirements])
        (self._home / STAMP).write_text(self._pins(), encoding="utf-8")

    def _interpreter(self) -> str:
        """Ours, or one on the PATH that is new enough."""
        major, minor = map(int, (self._peer.oldest_python or OLDEST_PYTHON).split("."))
        if sys.version_info >= (major, minor):
            return sys.executable
        for newer in range(minor, minor + MINORS_TO_TRY):
            found = shutil.which(f"python{major}.{newer}")
            if found and _works(found):
                return found
        raise BenchmarkFailed(f"it needs Python {major}.{minor} or later, and none was found on the PATH")

    def _pins(self) -> str:
        return "\n".join(self._peer.requirements)


def _works(interpreter: str) -> bool:
    """A version manager may have put a stand-in there that only says what to install."""
    return subprocess.run([interpreter, "-c", ""], capture_output=True, check=False).returncode == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkFailed(_complaint(done.stderr) or f"{command[0]} ended with code {done.returncode}")


def _complaint(told: str) -> str:
    """The line in which pip says why, for a human."""
    lines = told.strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [""])[-1]
