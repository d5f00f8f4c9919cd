"""A real PgBouncer in front of a server of ours: on a unix socket, stopped at the end of the block.

It must never open a port.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from pgqueue.system_user import SystemUser
from tests.waiting import PATIENCE_SECONDS

PORT = "6432"
LOOK_SECONDS = 0.02
CONFIGURATION = """
[databases]
* = host={server} port={port} user=postgres

[pgbouncer]
pool_mode = {mode}
default_pool_size = {servers}
max_client_conn = 200
auth_type = any
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
logfile = {folder}/pgbouncer.log
pidfile =
"""


def program() -> str | None:
    """Where PgBouncer is installed, if it is."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def pgbouncer(dsn: str, *, mode: str = "transaction", servers: int = 2) -> Iterator[str]:
    """The DSN of the same database through a PgBouncer, which has so many server connections at most."""
    parts = urlsplit(dsn)
    server = parse_qs(parts.query)
    user = SystemUser.for_server()  # it refuses to run as root, too
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        user.take(folder)
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                server=server["host"][0], port=server["port"][0], mode=mode, servers=servers, folder=folder
            )
        )
        user.take(configuration)
        pooled = f"postgresql://postgres@{parts.path}?host={quote(name)}&port={PORT}"
        process = subprocess.Popen(
            [program() or "pgbouncer", "-q", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user.uid,
            group=user.gid,
            extra_groups=None if user.uid is None else [],
        )
        try:
            await_ready(process, pooled, folder / "pgbouncer.log")
            yield pooled
        finally:
            process.terminate()
            process.wait()


def await_ready(process: "subprocess.Popen[bytes]", dsn: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            told = log.read_text() if log.exists() else "nothing"
            assert process.poll() is None, f"PgBouncer ended, saying: {told}"
            assert time.monotonic() < deadline, f"PgBouncer is not ready, saying: {told}"
            time.sleep(LOOK_SECONDS)
        else:
            return
