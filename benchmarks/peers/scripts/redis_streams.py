"""A bare loop over a Redis stream, through redis-py with hiredis: what a worker costs beside nothing at all.

Delivery: at least once (entries stay pending until XACK).
History: none, XDEL removes a finished entry.
Durability: as the server's.
Transactional enqueue: no.
A loop, not a worker: no retries, timeouts, errors or concurrency; the body is ready bytes.

Settings: XREADGROUP COUNT 1000, each entry's handler, then XACK and XDEL of the batch in a pipeline; asleep
in BLOCK. Bulk insert: pipelined XADD, 1000 to a MULTI.
"""

from typing import Any

import redis

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

STREAM = "bench"
GROUP = "workers"
BATCH = 1_000
BLOCK_MILLISECONDS = 5_000


class StreamQueue:
    """See the module."""

    def __init__(self, url: str) -> None:
        self._redis: Any = redis.Redis.from_url(url, protocol=3, socket_timeout=None)

    def install(self) -> None:
        """The stream and its group."""
        self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    def enqueue(self, jobs: int) -> None:
        """A pipeline per batch."""
        for start in range(0, jobs, BATCH):
            with self._redis.pipeline(transaction=True) as pipeline:
                for _ in range(min(BATCH, jobs - start)):
                    pipeline.xadd(STREAM, {b"text": BODY_TEXT.encode()})
                pipeline.execute()

    def send(self) -> None:
        """One XADD."""
        self._redis.xadd(STREAM, {b"stamp": b""})

    def unfinished(self) -> int:
        """Entries still in the stream, claimed or not."""
        return int(self._redis.xlen(STREAM))

    def work(self) -> None:
        """Read, run, acknowledge and delete."""
        while True:
            answer = self._redis.xreadgroup(
                GROUP, "one", {STREAM: ">"}, count=BATCH, block=BLOCK_MILLISECONDS
            )
            entries = answer[STREAM.encode()][0] if answer else []
            for _, fields in entries:
                if b"stamp" in fields:
                    tell_start()
                else:
                    count_one()
            if entries:
                self._finish([identifier for identifier, _ in entries])

    def _finish(self, identifiers: list[bytes]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xack(STREAM, GROUP, *identifiers)
            pipeline.xdel(STREAM, *identifiers)
            pipeline.execute()


if __name__ == "__main__":
    main(StreamQueue)
