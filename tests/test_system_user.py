"""Tests of the system user that runs PostgreSQL for root."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import pytest

from pgqueue import system_user
from pgqueue.system_user import SystemUser

STRANGER = SystemUser(54321, 54321)
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a system user run the server")


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("mode", "reachable"), [(0o700, False), (0o710, False), (0o701, True), (0o755, True)]
)
def test_a_stranger_enters_what_is_open_to_all(folder: Path, mode: int, reachable: bool) -> None:
    (folder / "inner").mkdir(mode=0o755)
    folder.chmod(mode)

    assert STRANGER.can_reach(folder / "inner") is reachable


def test_ourselves_are_never_asked(folder: Path) -> None:
    folder.chmod(0o000)

    assert SystemUser().can_reach(folder)


@only_root
def test_a_folder_taken_is_ones_own(folder: Path) -> None:
    STRANGER.take(folder)

    assert (folder.stat().st_uid, folder.stat().st_gid) == (54321, 54321)
    assert STRANGER.can_reach(folder)


def test_an_ordinary_user_runs_the_server_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert SystemUser.for_server() == SystemUser()


@only_root
def test_root_makes_the_user_it_needs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_user, "NAME", f"test_{uuid.uuid4().hex[:8]}")
    try:
        made = SystemUser.for_server()

        assert made.uid not in (None, 0)
        assert SystemUser.for_server() == made
    finally:
        run(["userdel", system_user.NAME], check=True, capture_output=True)


def test_a_machine_without_useradd_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_user, "NAME", "no_such_user")
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(LookupError, match="no useradd"):
        SystemUser.for_server()


def test_a_refused_useradd_is_told_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    useradd = tmp_path / "useradd"
    useradd.write_text("#!/bin/sh\necho 'the files are locked' >&2\nexit 10\n")
    useradd.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_user, "NAME", "no_such_user")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LookupError, match="the files are locked"):
        SystemUser.for_server()
