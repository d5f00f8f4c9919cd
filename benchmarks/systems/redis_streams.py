"""Redis Streams through redis-py with hiredis; it must never be given less than its best settings."""

import contextlib
import os
import secrets
from typing import cast

import redis
from redis.typing import EncodableT, FieldT
from redis.utils import HIREDIS_AVAILABLE

from benchmarks.failures import BenchmarkFailed
from benchmarks.payload import BODY_TEXT
from benchmarks.rows import Durability

GROUP = "workers"
# Under appendfsync always MULTI made long pipelines faster: clearly at 1000 entries, hardly at 100, and not
# at 10. Probably since Redis reads a long pipeline in pieces and syncs after each.
FEWEST_FOR_MULTI = 100
FILL_BATCH = 1_000
Entries = list[tuple[bytes, dict[bytes, bytes]]]


class RedisStreams:
    """A stream with one consumer group.

    Delivery: at least once (entries stay pending until XACK).
    History: none, XDEL removes a finished entry.
    Durability: `fsync` survives a power cut (appendfsync always), `everysec` may lose about a second,
    `memory` loses everything with the process.
    Transactional enqueue: no, an enqueue cannot commit together with the caller's SQL.
    Less work than a job queue's: no retries, delays, priorities or dead letters; the body is ready bytes.
    """

    name = "redis-streams"

    def __init__(self, url: str, durability: Durability, *, joins: str | None = None) -> None:
        """joins: another client's stream, of whose group this becomes one more consumer."""
        if not HIREDIS_AVAILABLE:
            raise BenchmarkFailed(
                "redis-py runs without hiredis, which would be unfair: pip install 'redis[hiredis]'"
            )
        self.durability = durability
        self._fields: dict[FieldT, EncodableT] = {b"text": BODY_TEXT.encode()}
        self.stream = joins or f"pgqueue-bench-{secrets.token_hex(4)}"  # a given Redis may hold others' keys
        self._consumer = f"consumer-{os.getpid()}"
        self._is_owner = joins is None
        self._redis = redis.Redis.from_url(url, protocol=3, socket_timeout=None)
        if self._is_owner:
            self._redis.xgroup_create(self.stream, GROUP, id="0", mkstream=True)

    def enqueue(self, batch: int) -> None:
        """One pipeline of XADD; a batch of one is a plain XADD, which costs Redis less."""
        if batch == 1:
            self._redis.xadd(self.stream, self._fields)
            return
        is_one_fsync = self.durability == "fsync" and batch >= FEWEST_FOR_MULTI
        with self._redis.pipeline(transaction=is_one_fsync) as pipeline:
            for _ in range(batch):
                pipeline.xadd(self.stream, self._fields)
            pipeline.execute()

    def fill(self, count: int) -> None:
        """That many entries, for filling, not for measuring."""
        while count > 0:
            self.enqueue(min(count, FILL_BATCH))
            count -= FILL_BATCH

    def carry(self, text: str) -> None:
        """The text of every entry from now on; ASCII."""
        self._fields = {b"text": text.encode()}

    def claim(self, batch: int) -> list[bytes]:
        """XREADGROUP; returns the identifiers."""
        answer = cast(
            "dict[bytes, list[Entries]]",
            self._redis.xreadgroup(GROUP, self._consumer, {self.stream: ">"}, count=batch),
        )
        return [identifier for identifier, _ in answer[self.stream.encode()][0]] if answer else []

    def finish(self, claimed: list[bytes]) -> None:
        """XACK and XDEL of all of them in one pipeline."""
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xack(self.stream, GROUP, *claimed)
            pipeline.xdel(self.stream, *claimed)
            pipeline.execute()

    def consume(self, batch: int) -> int:
        """Claim a batch, finish it whole."""
        claimed = self.claim(batch)
        if claimed:
            self.finish(claimed)
        return len(claimed)

    def waiting(self) -> int:
        """Entries still in the stream, claimed or not."""
        return self._redis.xlen(self.stream)

    def log_bytes(self) -> int:
        """What the append-only file holds."""
        return int(self._info("persistence")["aof_current_size"])

    def memory_bytes(self) -> int:
        """What the server has allocated."""
        return int(self._info("memory")["used_memory"])

    def _info(self, section: str) -> dict[str, int]:
        return cast("dict[str, int]", self._redis.info(section))

    def close(self) -> None:
        """Leave the server; the stream's owner deletes it before."""
        if self._is_owner:
            with contextlib.suppress(redis.ConnectionError):  # it is gone, and the stream with it
                self._redis.delete(self.stream)
        self._redis.close()
