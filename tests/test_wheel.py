"""Tests the wheel as a user gets it: built, installed into a fresh environment, and migrating from there."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parent.parent
OUTSIDE = ("PYTHONPATH", "PYTHONHOME", "PGQUEUE_DSN")
WHERE = "from pgqueue import assets; print(assets.sql_folder(), assets.migrations_folder(), sep='\\n')"


def run(*command: str | Path, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of a fresh environment with the wheel in it; needs no network."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip()
    # The dependencies come from the tests' own environment. A path is added behind `site`, so the wheel is
    # found first; and .pth files in that environment, such as our editable install, are not read.
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel, folder=folder
    )
    return python


@pytest.mark.slow
def test_the_wheel_carries_its_sql_and_migrations(installed: Path) -> None:
    package = installed.parent.parent

    found = run(installed, "-c", WHERE, folder=package).splitlines()

    assert [Path(path).name for path in found] == ["_sql", "_migrations"]
    assert all(Path(path).is_relative_to(package.resolve()) for path in found)
    assert list(Path(found[0]).glob("functions/*.sql"))


@pytest.mark.slow
def test_the_wheel_migrates_a_database(installed: Path, bare_dsn: str) -> None:
    run(installed, "-m", "pgqueue", "migrate", "--dsn", bare_dsn, folder=installed.parent)

    with psycopg.connect(bare_dsn) as connection:
        row = connection.execute("select to_regclass('pgqueue.jobs') is not null").fetchone()
    assert row == (True,)


@pytest.mark.slow
def test_the_wheel_is_typed(installed: Path) -> None:
    where = run(installed, "-c", "import pgqueue; print(pgqueue.__file__)", folder=installed.parent).strip()

    assert Path(where).with_name("py.typed").exists()
