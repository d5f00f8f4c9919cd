"""A peer's script as the harness sees it; it must never know one peer from another."""

import json
import select
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.child import Child
from benchmarks.failures import BenchmarkFailed
from benchmarks.peers.catalogue import Peer
from benchmarks.rows import Durability
from benchmarks.worker_process import worker_environment

PATIENCE_SECONDS = 300.0
STOP_SECONDS = 10.0


class PeerSystem:
    """The peer's script states its contract, and its settings. Its client runs inside the block."""

    def __init__(self, peer: Peer, python: Path, address: str, durability: Durability) -> None:
        """python: the peer's own. address: the DSN or Redis URL of an empty database."""
        self.name = peer.name
        self.durability = durability
        self.jobs = peer.jobs
        self.pickups = peer.pickups
        self._command = [str(python), "-P", "-m", peer.script]
        self._address = address

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        self._client = subprocess.Popen(
            [*self._command, "client", self._address],
            env=worker_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
        )
        try:
            self._ask(do="install")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def bulk_seconds(self, jobs: int) -> float:
        """Taken inside its client."""
        return float(self._ask(do="enqueue", jobs=jobs)["seconds"])

    def send(self) -> int:
        """The moment is taken inside its client."""
        return int(self._ask(do="send")["sent_ns"])

    def lifecycle_seconds(self, jobs: int, batch: int) -> tuple[float, float]:
        """To enqueue that many batch by batch, and to claim and finish them; taken inside its client."""
        answer = self._ask(do="lifecycle", jobs=jobs, batch=batch)
        return float(answer["enqueue_seconds"]), float(answer["consume_seconds"])

    def waiting(self) -> int:
        """Jobs that did not succeed yet, by its own tables or keys."""
        return int(self._ask(do="unfinished")["jobs"])

    def worker(self, stamps: Path, tally: Path) -> Child:
        """Its script, as a worker."""
        command = [*self._command, "worker", self._address]
        return Child(f"{self.name}'s worker", command, worker_environment(stamps, tally), ends_cleanly=False)

    def is_drained(self) -> bool:
        """By its own tables or keys."""
        return not self.waiting()

    def _leave(self) -> None:
        try:
            self._client.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._client.kill()
            self._client.communicate()
        self._log.close()

    def _ask(self, **request: str | int) -> dict[str, Any]:
        """One line there, one back. Raises BenchmarkFailed."""
        stdin, stdout = self._client.stdin, self._client.stdout
        if not stdin or not stdout:
            raise BenchmarkFailed(f"{self.name}'s client has no pipes")
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError as error:
            raise self._failed(request) from error
        if not select.select([stdout], [], [], PATIENCE_SECONDS)[0]:
            raise BenchmarkFailed(f"{self.name}: no answer to {request} in {PATIENCE_SECONDS:.0f} seconds")
        told = stdout.readline()
        if not told:
            raise self._failed(request)
        answer: dict[str, Any] = json.loads(told)
        return answer

    def _failed(self, request: object) -> BenchmarkFailed:
        code = self._client.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        return BenchmarkFailed(f"{self.name}: {request} failed, code {code}: {last}")
