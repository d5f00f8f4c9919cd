"""The pods: worker processes started as the manifest starts them, and stopped as Kubernetes stops them.

It must never signal a process that it did not start, nor leave one behind.
"""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.drill.ledger import RAN
from tests.drill.tasks import QUEUE

REPOSITORY = Path(__file__).parents[2]
GRACE_SECONDS = 10
STOP_SECONDS = 60.0


@dataclass(slots=True)
class Pods:
    """The replicas of a Deployment, none at first.

    ran: where its handlers say what they did. ended: the exit codes of those who were told to stop.
    """

    dsn: str
    folder: Path
    concurrency: int
    random: Random
    ended: list[int] = field(default_factory=list)
    started: int = 0
    _running: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    _stopping: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._running)

    @property
    def ran(self) -> Path:
        """The file in which handlers say what they did."""
        return self.folder / "ran"

    def scale(self, replicas: int) -> None:
        """Start so many more, or tell any so many to stop."""
        while len(self._running) < replicas:
            self._running.append(self._start())
        while len(self._running) > replicas:
            leaving = self._running.pop(self.random.randrange(len(self._running)))
            leaving.send_signal(signal.SIGTERM)
            self._stopping.append(leaving)

    def fallen(self) -> list[int]:
        """The exit codes of those that ended though nobody had told them to."""
        return [code for process in self._running if (code := process.poll()) is not None]

    async def settle(self) -> None:
        """Wait until all who were told to stop have stopped. Raises subprocess.TimeoutExpired."""
        while self._stopping:
            self.ended.append(await asyncio.to_thread(self._stopping.pop().wait, STOP_SECONDS))

    def end(self) -> None:
        """Leave no process behind, whatever happened."""
        for process in (*self._running, *self._stopping):
            process.kill()
            process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        self.started += 1
        with (self.folder / f"worker-{self.started}.log").open("wb") as log:
            return subprocess.Popen(
                [
                    *[sys.executable, "-m", "pgqueue", "worker", "tests.drill.tasks", "--queue", QUEUE],
                    *["--concurrency", str(self.concurrency), "--grace", f"{GRACE_SECONDS}s"],
                    *["--metrics-port", "0"],
                ],
                cwd=REPOSITORY,
                env=os.environ | {"PGQUEUE_DSN": self.dsn, RAN: str(self.ran)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
