"""Finds the SQL and the migrations that ship with pgqueue, in a wheel and in a checkout alike.

It must never read anything outside these two folders, nor change what it reads.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def sql_folder() -> Path:
    """The folder with one folder per topic: functions, views, ..."""
    return _folder(packaged="_sql", in_checkout="sql")


def migrations_folder() -> Path:
    """The folder alembic runs as its script location."""
    return _folder(packaged="_migrations", in_checkout="migrations")


def sql_files(topic: str) -> list[tuple[str, str]]:
    """The SQL files of one topic as (name, text), sorted by name.

    topic: a folder of `sql_folder()`, such as "functions".
    The name is the file's without its ending: "claim" for claim.sql.
    Raises FileNotFoundError if there is no such topic.
    """
    folder = sql_folder() / topic
    if not folder.is_dir():
        raise FileNotFoundError(f"pgqueue ships no SQL named {topic!r}: {folder} is not a folder")
    return [(file.stem, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.sql"))]


def _folder(*, packaged: str, in_checkout: str) -> Path:
    """A wheel carries the folder inside the package; in a checkout it stands beside the package."""
    for folder in (PACKAGE / packaged, PACKAGE.parent / in_checkout):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"pgqueue is installed without its {in_checkout} folder; install it again")
