"""A small disk that can be filled and freed again; it must leave no mount behind."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pgqueue.system_user import SystemUser

MIB = 1024 * 1024


class SmallDisk:
    """A file system in memory, a few megabytes large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("ab", buffering=0) as filler:
            for size in (MIB, 4096, 1):
                written = size
                while written == size:
                    written = write(filler.fileno(), size)

    def free(self) -> None:
        """Take everything away again that `fill` put there."""
        self._filler.unlink(missing_ok=True)

    def folder(self, name: str) -> Path:
        """A folder on it that the server's user owns."""
        folder = self.path / name
        folder.mkdir(mode=0o700)
        SystemUser.for_server().take(folder)
        return folder


def write(descriptor: int, size: int) -> int:
    """How much of it there was room for."""
    try:
        return os.write(descriptor, bytes(size))
    except OSError:
        return 0


@contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Mounted for the block; the test is skipped where nothing may be mounted."""
    path = Path(tempfile.mkdtemp(prefix="pgqueue-disk-", dir="/tmp"))
    path.chmod(0o755)
    try:
        mounted = run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(path))
        if mounted.returncode != 0:
            pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
        try:
            yield SmallDisk(path)
        finally:
            run("umount", "--lazy", str(path))
    finally:
        path.rmdir()


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
