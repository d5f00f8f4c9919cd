"""What a worker does, counted as it goes and told to Prometheus: a prometheus_client collector.

It must never cost a job more than some list entries: no locks, no labels looked up, nothing formatted.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Container, Iterator

from prometheus_client.metrics_core import Metric as Family

from pgqueue.delivery import Delivery, Lease
from pgqueue.metrics import catalogue
from pgqueue.metrics.catalogue import JOB_ATTEMPTS, PICKUP_SECONDS, RUN_SECONDS, WORKER_ENDED, WORKER_STARTED
from pgqueue.metrics.numbers import Numbers, added, empty, families

OUTCOMES = ("succeeded", "retried", "dead", "cancelled", "returned")
RUN_BOUNDS, ATTEMPT_BOUNDS, PICKUP_BOUNDS = RUN_SECONDS.bounds, JOB_ATTEMPTS.bounds, PICKUP_SECONDS.bounds
UNKNOWN = "(unknown)"  # whoever enqueues could make up names without end


class Tally:
    """The attempts of one task in one queue."""

    __slots__ = ("attempts", "outcomes", "run", "started")

    def __init__(self) -> None:
        self.started = 0
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.run = empty(RUN_SECONDS)
        self.attempts = empty(JOB_ATTEMPTS)


class WorkerMetrics:
    """The metrics of one worker: give it to `Worker`, and register it where yours are, or serve it.

    Only the worker's loop counts; any thread may collect.
    """

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._pickups: dict[str, list[float]] = {}
        self._tasks: Container[str] = ()
        self._at_present: Callable[[], Numbers] | None = None

    def begin(
        self,
        tasks: Container[str],
        at_present: Callable[[], Numbers],
        *,
        expected: Collection[tuple[str, str]] = (),
    ) -> None:
        """For the worker's use. tasks: those it knows. at_present: what else there is to tell, when asked.

        expected: queues and tasks told from the start: to Prometheus, what first appears as 1 did not grow.
        """
        if self._at_present is not None:
            raise RuntimeError("these are another worker's metrics: make others for each worker")
        self._tasks = tasks
        self._at_present = at_present
        self._tallies.update({place: Tally() for place in expected})
        self._pickups.update({queue: empty(PICKUP_SECONDS) for queue, _ in expected})

    def claimed(self, lease: Lease) -> None:
        """Jobs were claimed."""
        claimed_at, pickups = lease.claimed_at, self._pickups
        for delivery in lease.deliveries:
            waits = pickups.get(delivery.queue) or pickups.setdefault(delivery.queue, empty(PICKUP_SECONDS))
            waited = (claimed_at - delivery.visible_at).total_seconds()
            waits[bisect_left(PICKUP_BOUNDS, waited)] += 1
            waits[-1] += waited

    def started(self, delivery: Delivery) -> None:
        """An attempt begins."""
        tally = self._tallies.get((delivery.queue, delivery.task)) or self._new_tally(delivery)
        tally.started += 1

    def ended(self, delivery: Delivery, outcome: str, seconds: float | None) -> None:
        """An attempt ended so; seconds: how long it ran, if it did."""
        tally = self._tallies.get((delivery.queue, delivery.task)) or self._new_tally(delivery)
        tally.outcomes[outcome] += 1
        if seconds is not None:
            run = tally.run
            run[bisect_left(RUN_BOUNDS, seconds)] += 1
            run[-1] += seconds
        if outcome == "succeeded" or outcome == "dead":  # noqa: PLR1714 - quicker than a set
            attempts, attempt = tally.attempts, delivery.attempt
            attempts[bisect_left(ATTEMPT_BOUNDS, attempt)] += 1
            attempts[-1] += attempt

    def numbers(self) -> Numbers:
        """All of it, at this moment."""
        counted = [tally_numbers(queue, task, tally) for (queue, task), tally in tuple(self._tallies.items())]
        pickups: Numbers = {
            (PICKUP_SECONDS.name, (queue,)): list(value) for queue, value in tuple(self._pickups.items())
        }
        return added([*counted, pickups, self._at_present() if self._at_present else {}])

    def collect(self) -> Iterator[Family]:
        """The metrics, for prometheus_client."""
        return families(self.numbers(), catalogue.WORKER)

    def _new_tally(self, delivery: Delivery) -> Tally:
        task = delivery.task if delivery.task in self._tasks else UNKNOWN
        return self._tallies.setdefault((delivery.queue, task), Tally())


def tally_numbers(queue: str, task: str, tally: Tally) -> Numbers:
    """One tally's numbers."""
    return {
        (WORKER_STARTED.name, (queue, task)): tally.started,
        **{(WORKER_ENDED.name, (queue, task, outcome)): count for outcome, count in tally.outcomes.items()},
        (RUN_SECONDS.name, (task,)): list(tally.run),
        (JOB_ATTEMPTS.name, (task,)): list(tally.attempts),
    }
