"""A peer of the standard library alone: a job is an empty file in a folder, which is the address."""

import time
from pathlib import Path
from uuid import uuid4

from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one


class FakeQueue:
    def __init__(self, address: str) -> None:
        self._folder = Path(address)

    async def install(self) -> None:
        self._folder.mkdir()
        print("not an answer")

    def enqueue(self, jobs: int) -> None:
        for _ in range(jobs):
            Path(self._folder, f"noop-{uuid4()}").touch()

    async def consume(self, batch: int) -> int:
        if self._folder.name == "dry":
            return 0
        jobs = list(self._folder.iterdir())[:batch]
        for job in jobs:
            job.unlink()
        return len(jobs)

    def send(self) -> None:
        Path(self._folder, "stamp").touch()

    def unfinished(self) -> int:
        return len(list(self._folder.iterdir()))

    def work(self) -> None:
        if self._folder.name == "dies":
            raise RuntimeError("no worker today")
        while True:
            for job in self._folder.iterdir():
                self._run(job)
            time.sleep(0.001)

    def _run(self, job: Path) -> None:
        if job.name == "stamp":
            tell_start()
        else:
            count_one()
            if self._folder.name == "twice":
                count_one()
        job.unlink()


if __name__ == "__main__":
    main(FakeQueue)
