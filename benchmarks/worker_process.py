"""Runs workers as a user would, from the command line; it must never outlive the benchmark."""

import os
import sys
from pathlib import Path

import psycopg

from benchmarks.child import Child
from benchmarks.delays import DELAYS_FOLDER
from benchmarks.stamps import STAMP_SOCKET
from benchmarks.tally import TALLY_FOLDER
from benchmarks.tasks import QUEUE

CONCURRENCY = 100
JOINED = "select count(*), count(*) filter (where process_id = %s) from pgqueue.workers"
REPOSITORY = Path(__file__).resolve().parents[1]


class WorkerProcess(Child):
    """`python -m pgqueue worker` on the tasks of the benchmarks, from its start to its SIGTERM.

    stamp_socket: where handlers tell when they start. tally: the folder where they count themselves.
    delays: the folder where they tell when they were due.
    processes: more than one makes it a supervisor with so many workers below it.
    """

    def __init__(
        self,
        dsn: str,
        stamp_socket: Path | None = None,
        *,
        tally: Path | None = None,
        delays: Path | None = None,
        concurrency: int = CONCURRENCY,
        processes: int = 1,
    ) -> None:
        self._dsn = dsn
        self._processes = processes
        options = ["--queue", QUEUE, "--concurrency", str(concurrency), "--processes", str(processes)]
        super().__init__(
            "the worker",
            [sys.executable, "-m", "pgqueue", "worker", "benchmarks.tasks", *options],
            worker_environment(stamp_socket, tally, delays) | {"PGQUEUE_DSN": dsn},
        )

    def await_joined(self) -> None:
        """Return once it is connected and looks for work: all its processes, if they are several."""
        with psycopg.connect(self._dsn, autocommit=True) as observer:

            def has_joined() -> bool:
                row = observer.execute(JOINED, (self.pid,)).fetchone()
                everybody, this_one = row or (0, 0)
                return bool(this_one if self._processes == 1 else everybody >= self._processes)

            self.await_that(has_joined)


def worker_environment(
    stamp_socket: Path | None = None, tally: Path | None = None, delays: Path | None = None
) -> dict[str, str]:
    """Ours, in which a process finds the benchmarks and where its handlers tell of themselves."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]),
        **({STAMP_SOCKET: str(stamp_socket)} if stamp_socket else {}),
        **({TALLY_FOLDER: str(tally)} if tally else {}),
        **({DELAYS_FOLDER: str(delays)} if delays else {}),
    }
