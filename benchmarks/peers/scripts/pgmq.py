"""PGMQ in SQL, as its client's package ships it, through psycopg.

Delivery: at least once, by a visibility timeout; no fencing.
History: none, a finished message is deleted.
Durability: as the server's, at every step.
Transactional enqueue: yes, on a psycopg connection of the application's own.
A message queue, not a job queue: no retries, backoff, errors or worker. The body is JSON, not validated.

Settings: it has no worker, so ours reads a batch, runs each message's handler, and deletes the batch; its
blocking client, one connection. Asleep it polls in the server every 10 ms (`read_with_poll`). Bulk insert:
`send_batch`, one statement.
"""

from collections.abc import Callable
from typing import Any

from pgmq import PGMQueue, install_pgmq_from_sql
from psycopg_pool import ConnectionPool

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

QUEUE = "bench"
SEND_BATCH = 10_000
READ_BATCH = 1_000
VISIBILITY_SECONDS = 60
LONGEST_POLL_SECONDS = 5
POLL_MILLISECONDS = 10
NOOP = {"task": "noop", "text": BODY_TEXT}
HANDLERS: dict[str, Callable[[], None]] = {"noop": count_one, "stamp": tell_start}


class PgmqQueue:
    """See the module."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def _connect(self) -> Any:
        pool = ConnectionPool(self._dsn, min_size=1, max_size=1, open=True)
        return PGMQueue(pool=pool, vt=VISIBILITY_SECONDS, init_extension=False)

    def install(self) -> None:
        """Its functions, and a queue."""
        install_pgmq_from_sql(dsn=self._dsn)
        self._client = self._connect()
        self._client.create_queue(QUEUE)

    def enqueue(self, jobs: int) -> None:
        """A statement per batch."""
        for start in range(0, jobs, SEND_BATCH):
            self._client.send_batch(QUEUE, [NOOP] * min(SEND_BATCH, jobs - start))

    def consume(self, batch: int) -> int:
        """Read and delete, a statement each."""
        messages = self._client.read_batch(QUEUE, batch_size=batch)
        self._client.delete_batch(QUEUE, [message.msg_id for message in messages])
        return len(messages)

    def send(self) -> None:
        """One message."""
        self._client.send(QUEUE, {"task": "stamp"})

    def unfinished(self) -> int:
        """By its own metrics, which count what is waiting and what is read."""
        return int(self._client.metrics(QUEUE).queue_length)

    def work(self) -> None:
        """Read, run, delete."""
        client = self._connect()
        while True:
            messages = client.read_with_poll(
                QUEUE,
                qty=READ_BATCH,
                max_poll_seconds=LONGEST_POLL_SECONDS,
                poll_interval_ms=POLL_MILLISECONDS,
            )
            for message in messages:
                HANDLERS[message.message["task"]]()
            if messages:
                client.delete_batch(QUEUE, [message.msg_id for message in messages])


if __name__ == "__main__":
    main(PgmqQueue)
