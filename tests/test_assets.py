"""Tests that the SQL and the migrations are found beside the package, and in it when they are packed."""

from pathlib import Path

import pytest

from pgqueue import assets


def test_the_checkouts_folders_are_found() -> None:
    root = Path(__file__).parent.parent

    assert assets.sql_folder() == root / "sql"
    assert assets.migrations_folder() == root / "migrations"


def test_packed_folders_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package" / "_sql").mkdir(parents=True)
    (tmp_path / "sql").mkdir()
    monkeypatch.setattr(assets, "PACKAGE", tmp_path / "package")

    assert assets.sql_folder() == tmp_path / "package" / "_sql"


def test_files_come_sorted_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = tmp_path / "_sql" / "functions"
    topic.mkdir(parents=True)
    for name in ("b.sql", "a.sql", "notes.md"):
        (topic / name).write_text(f"-- {name}")
    monkeypatch.setattr(assets, "PACKAGE", tmp_path)

    assert assets.sql_files("functions") == [("a", "-- a.sql"), ("b", "-- b.sql")]


def test_an_unknown_topic_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match="no_such_topic"):
        assets.sql_files("no_such_topic")


def test_an_installation_without_its_sql_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "PACKAGE", tmp_path / "package")

    with pytest.raises(FileNotFoundError, match="without its sql folder"):
        assets.sql_folder()
