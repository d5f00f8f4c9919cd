"""A load of producers and consumers whose every statement must be answered; it must never hide an error."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

import psycopg

from tests.sql.session import Session

PATIENCE_SECONDS = 60.0
# A hundred times what maintenance may wait: whoever stands behind a holder that stays, and behind nothing
# else, runs into it; a machine that is merely slow does not.
LOCK_TIMEOUT = "10s"


class Load:
    """Threads that enqueue, and threads that claim and finish, until told to stop."""

    def __init__(
        self, dsn: str, *, producers: int = 2, consumers: int = 2, lock_timeout: str = LOCK_TIMEOUT
    ) -> None:
        self._dsn = dsn
        self._options = f"-c lock_timeout={lock_timeout}"
        self._is_over = threading.Event()
        self.enqueued: Counter[int] = Counter()
        self.finished: Counter[int] = Counter()
        self.errors: list[BaseException] = []
        works = [self._produce] * producers + [self._consume] * consumers
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in works]

    def __enter__(self) -> Self:
        """At work."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Ended; what went wrong is in `errors`."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, jobs: int = 5) -> None:
        """Come back once that many more jobs have been enqueued and finished."""
        enqueued, finished = self.enqueued.total() + jobs, self.finished.total() + jobs
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.enqueued.total() < enqueued or self.finished.total() < finished:
            if self.errors:
                raise self.errors[0]
            assert time.monotonic() < deadline, "the load stands still"
            self._is_over.wait(0.005)

    def _run(self, work: Callable[[Session], Any]) -> None:
        try:
            with psycopg.connect(self._dsn, autocommit=True, options=self._options) as connection:
                session = Session(connection)
                while not self._is_over.is_set():
                    work(session)
        except BaseException as error:  # noqa: BLE001 - told by the one who waits for us
            self.errors.append(error)

    def _produce(self, session: Session) -> None:
        self.enqueued.update(session.enqueue_many(1))
        self._is_over.wait(0.002)  # the consumers are to keep up

    def _consume(self, session: Session) -> None:
        held = session.claim(max_jobs=10)
        lost = {row.job for row in session.finish(held)} if held else set()
        self.finished.update(row.job for row in held if row.job not in lost)
