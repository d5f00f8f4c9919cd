"""Dramatiq 2 on Redis, through redis-py with hiredis.

Delivery: at least once, by a heartbeat per worker.
History: none; messages that failed for good stay for a week.
Durability: as the server's.
Transactional enqueue: no.
The body is JSON, not validated.

Settings: a plain handler, for a coroutine would cost it a hop to another thread; as many threads and
prefetched messages as were quickest; retries are its only middleware; an idle worker looks every 10 ms, not
every second, for it polls. There is no bulk insert: several threads call `send`.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

ENQUEUE_THREADS = 8
WORKER_THREADS = 8
PREFETCH = 1_000
IDLE_MILLISECONDS = 10
COUNTING = threading.Lock()


def noop(text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing: what is left is the queue's own cost."""
    with COUNTING:
        count_one()


def stamp() -> None:
    """Tell the harness."""
    tell_start()


class DramatiqQueue:
    """See the module."""

    def __init__(self, url: str) -> None:
        self._broker = RedisBroker(url=url, middleware=[Retries()])
        self._noop = dramatiq.actor(noop, broker=self._broker)
        self._stamp = dramatiq.actor(stamp, broker=self._broker)

    def install(self) -> None:
        """Connect."""
        self._broker.client.ping()

    def enqueue(self, jobs: int) -> None:
        """So many threads, each a message at a time."""
        with ThreadPoolExecutor(ENQUEUE_THREADS) as threads:
            shares = [len(range(start, jobs, ENQUEUE_THREADS)) for start in range(ENQUEUE_THREADS)]
            list(threads.map(self._enqueue_share, shares))

    def _enqueue_share(self, jobs: int) -> None:
        for _ in range(jobs):
            self._noop.send(text=BODY_TEXT)

    def send(self) -> None:
        """One message."""
        self._stamp.send()

    def unfinished(self) -> int:
        """By its hashes of messages, which one leaves when it is acknowledged, and by its dead letters."""
        client = self._broker.client
        waiting = client.hlen("dramatiq:default.msgs") + client.hlen("dramatiq:default.DQ.msgs")
        return int(waiting + client.zcard("dramatiq:default.XQ"))

    def work(self) -> None:
        """One worker with its threads, as a process of the command `dramatiq` has."""
        worker = dramatiq.Worker(
            self._broker, worker_threads=WORKER_THREADS, worker_timeout=IDLE_MILLISECONDS
        )
        worker.queue_prefetch = PREFETCH
        worker.start()
        threading.Event().wait()


if __name__ == "__main__":
    main(DramatiqQueue)
