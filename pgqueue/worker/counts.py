"""What a worker has done since it started, as plain numbers."""

from dataclasses import dataclass

from pgqueue.calls.finish import Ending
from pgqueue.delivery import Delivery, Lease
from pgqueue.metrics.worker import WorkerMetrics


@dataclass(slots=True)
class Counts:
    """One number per way an attempt can end, and what went wrong besides.

    retried: failed with an attempt left. returned: handed back, snoozed, or unknown here.
    unknown: of these, jobs of a task this worker does not have.
    lost: jobs whose lease was lost before their ending could be told.
    claims: those that found jobs; empty_claims: those that found none. wakeups: notifications heeded.
    reconnects: lost connections made again.
    """

    started: int = 0
    succeeded: int = 0
    retried: int = 0
    dead: int = 0
    cancelled: int = 0
    returned: int = 0
    unknown: int = 0
    lost: int = 0
    claims: int = 0
    empty_claims: int = 0
    wakeups: int = 0
    reconnects: int = 0

    def claimed(self, lease: Lease) -> None:
        """A claim was answered."""
        if lease.claim is None:
            self.empty_claims += 1
        else:
            self.claims += 1

    def start(self, delivery: Delivery) -> None:  # noqa: ARG002 - for who counts task by task
        """An attempt begins."""
        self.started += 1

    def ended(
        self,
        delivery: Delivery,
        ending: Ending | None,
        *,
        seconds: float | None = None,  # noqa: ARG002 - the same
        has_finished: bool = False,
    ) -> str:
        """An attempt ended so; None is a plain success. Returns the name of its number.

        seconds: how long it ran, if it did.
        has_finished: the handler finished the job itself; that this was rolled back is rare, and not counted.
        """
        if ending is None or has_finished or ending.state == "succeeded":
            self.succeeded += 1
            return "succeeded"
        if ending.state == "returned":
            self.returned += 1
            return "returned"
        if ending.state == "cancelled":
            self.cancelled += 1
            return "cancelled"
        if ending.state == "dead" or delivery.attempt >= delivery.last_attempt:
            self.dead += 1
            return "dead"
        self.retried += 1
        return "retried"


class MeteredCounts(Counts):
    """The same, told to Prometheus too, task by task."""

    __slots__ = ("_metrics",)

    def __init__(self, metrics: WorkerMetrics) -> None:
        super().__init__()
        self._metrics = metrics

    def claimed(self, lease: Lease) -> None:
        """A claim was answered."""
        super().claimed(lease)
        self._metrics.claimed(lease)

    def start(self, delivery: Delivery) -> None:
        """An attempt begins."""
        self.started += 1
        self._metrics.started(delivery)

    def ended(
        self,
        delivery: Delivery,
        ending: Ending | None,
        *,
        seconds: float | None = None,
        has_finished: bool = False,
    ) -> str:
        """An attempt ended."""
        if ending is None:  # the usual case, which is to cost the least
            self.succeeded += 1
            outcome = "succeeded"
        else:
            outcome = super().ended(delivery, ending, has_finished=has_finished)
        self._metrics.ended(delivery, outcome, seconds)
        return outcome
