"""The server under attack, and what stands before it: the archive, the proxy, the pooler where there is one.

It must never trade durability for speed: what is committed has to survive a crash here.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from pgqueue.embedded import EmbeddedPostgres
from pgqueue.migrate import upgrade
from pgqueue.system_user import SystemUser
from tests.chaos.proxy import SOCKET, Proxy

SQL = Path(__file__).parent / "sql"
DATABASE = "postgres"
STANDBY_SECONDS = 60.0
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "max_locks_per_transaction": "256",
    "shared_buffers": "64MB",
    "deadlock_timeout": "200ms",
}
WINDOWS = """
update pgqueue.installation
set ready_window = interval '4 seconds',
    history_window = interval '5 seconds',
    retention = interval '10 seconds'
"""
POOLER_SETTINGS = """
[databases]
* = host={server} port=5432 user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 5432
auth_type = any
pool_mode = transaction
max_client_conn = 200
default_pool_size = 20
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
"""


def equip(dsn: str) -> None:
    """The application's tables, the archive, and windows so short that they pass while we look."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute((SQL / "setup.sql").read_bytes())
        connection.execute(WINDOWS)
        connection.execute("select pgqueue.make_partitions()")


def socket_folder(dsn: str) -> Path:
    """Where the server of this DSN has its socket."""
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


def dsn_through(folder: Path) -> str:
    """The DSN of the same database by a socket in another folder."""
    return f"postgresql://postgres@/{DATABASE}?host={quote(str(folder))}&port=5432"


@contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder whose path is short enough for a socket, and open to the server's user."""
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before this server, and the DSN that leads through it."""
    with short_folder() as folder:
        async with Proxy(folder, socket_folder(dsn) / SOCKET).running() as proxy:
            yield proxy, dsn_through(folder)


@dataclass(slots=True)
class Pooler:
    """A PgBouncer in transaction mode, before a server."""

    dsn: str
    process: "subprocess.Popen[bytes]"
    command: list[str]
    user: SystemUser

    def restart(self) -> None:
        """As if it were killed and its supervisor started it again."""
        self.process.kill()
        self.process.wait()
        self.process = started(self.command, self.user)


@contextmanager
def pooled(dsn: str) -> Iterator[Pooler | None]:
    """A pooler before this server; none where PgBouncer is not installed."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        yield None
        return
    user = SystemUser.for_server()
    with short_folder() as folder:
        user.take(folder)
        settings = folder / "pgbouncer.ini"
        settings.write_text(POOLER_SETTINGS.format(server=socket_folder(dsn), folder=folder))
        settings.chmod(0o644)
        command = [program, "-q", str(settings)]
        pooler = Pooler(dsn_through(folder), started(command, user), command, user)
        try:
            yield pooler
        finally:
            pooler.process.kill()
            pooler.process.wait()


def started(command: list[str], user: SystemUser) -> "subprocess.Popen[bytes]":
    """The pooler's process, as the user the server runs as: neither likes to be root."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        user=user.uid,
        group=user.gid,
        extra_groups=None if user.uid is None else [],
    )


@contextmanager
def server() -> Iterator[EmbeddedPostgres]:
    """The server under attack, with everything installed."""
    with EmbeddedPostgres(settings=SETTINGS) as postgres:
        upgrade(postgres.dsn(DATABASE))
        equip(postgres.dsn(DATABASE))
        yield postgres


@contextmanager
def standby(primary: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A hot standby for which every commit on the primary waits."""
    user = SystemUser.for_server()
    with short_folder() as folder:
        user.take(folder)
        back_up(primary, folder / "data", user)
        with EmbeddedPostgres(folder / "data", settings=SETTINGS) as postgres:
            require(primary)
            yield postgres


def back_up(primary: EmbeddedPostgres, data: Path, user: SystemUser) -> None:
    """A copy that follows the primary as soon as it is started."""
    program = primary.binaries / "pg_basebackup"
    subprocess.run(
        [program, "--dbname", primary.dsn(), "--pgdata", data, "--write-recovery-conf", "--checkpoint=fast"],
        check=True,
        capture_output=True,
        user=user.uid,
        group=user.gid,
        extra_groups=None if user.uid is None else [],
    )


def require(primary: EmbeddedPostgres) -> None:
    """From now on nothing is committed that the standby does not have."""
    with psycopg.connect(primary.dsn(), autocommit=True) as connection:
        connection.execute("alter system set synchronous_standby_names = '*'")
        connection.execute("select pg_reload_conf()")
        deadline = time.monotonic() + STANDBY_SECONDS
        while time.monotonic() < deadline:
            if connection.execute("select 1 from pg_stat_replication where sync_state = 'sync'").fetchone():
                return
            time.sleep(0.05)
    raise TimeoutError(f"the standby does not follow after {STANDBY_SECONDS:.0f} s")


def dsn_to_either(folders: Sequence[str]) -> str:
    """The DSN of whichever of these servers takes writes."""
    hosts, ports = ",".join(map(quote, folders)), ",".join("5432" for _ in folders)
    return f"postgresql://postgres@/{DATABASE}?host={hosts}&port={ports}&target_session_attrs=read-write"
