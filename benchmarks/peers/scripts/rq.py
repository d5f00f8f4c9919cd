"""RQ 2 on Redis, through redis-py with hiredis.

Delivery: at least once, if somebody requeues the jobs of a worker that died.
History: none here; a job's result would stay for minutes otherwise, a failed job stays for a year.
Durability: as the server's.
Transactional enqueue: no.
The body is pickled, not validated.

Settings: its SimpleWorker, which runs jobs in its own process one after the other and forks for none; no
result kept (result_ttl 0), no log line per job. Bulk insert: `enqueue_many`, a pipeline per batch.
"""

from redis import Redis
from rq import Queue, SimpleWorker

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

ENQUEUE_BATCH = 500
MODULE = "benchmarks.peers.scripts.rq"


def noop(text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing: what is left is the queue's own cost."""
    count_one()


def stamp() -> None:
    """Tell the harness."""
    tell_start()


class RqQueue:
    """See the module."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url)
        self._queue = Queue("bench", connection=self._redis)

    def install(self) -> None:
        """Connect."""
        self._redis.ping()

    def enqueue(self, jobs: int) -> None:
        """A pipeline per batch."""
        one = Queue.prepare_data(f"{MODULE}.noop", kwargs={"text": BODY_TEXT}, result_ttl=0)
        for start in range(0, jobs, ENQUEUE_BATCH):
            self._queue.enqueue_many([one] * min(ENQUEUE_BATCH, jobs - start))

    def send(self) -> None:
        """One call."""
        self._queue.enqueue(f"{MODULE}.stamp", result_ttl=0)

    def unfinished(self) -> int:
        """By its list and its registries."""
        registries = (self._queue.started_job_registry, self._queue.failed_job_registry)
        return int(self._queue.count + sum(registry.count for registry in registries))

    def work(self) -> None:
        """As `rq worker --worker-class rq.SimpleWorker` would."""
        SimpleWorker([self._queue], connection=self._redis).work(logging_level="WARNING")


if __name__ == "__main__":
    main(RqQueue)
