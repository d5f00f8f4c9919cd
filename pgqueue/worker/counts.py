"""What a worker has done since it started, as plain numbers."""

from dataclasses import dataclass

from pgqueue.calls.finish import Ending
from pgqueue.delivery import Delivery


@dataclass(slots=True)
class Counts:
    """One number per way an attempt can end, and what went wrong besides.

    retried: failed with an attempt left. returned: handed back, snoozed, or unknown here.
    unknown: of these, jobs of a task this worker does not have.
    lost: jobs whose lease was lost before their ending could be told.
    """

    started: int = 0
    succeeded: int = 0
    retried: int = 0
    dead: int = 0
    cancelled: int = 0
    returned: int = 0
    unknown: int = 0
    lost: int = 0

    def ended(self, delivery: Delivery, ending: Ending | None, *, has_finished: bool = False) -> None:
        """An attempt ended so; None is a plain success.

        has_finished: the handler finished the job itself; that this was rolled back is rare, and not counted.
        """
        if ending is None or has_finished or ending.state == "succeeded":
            self.succeeded += 1
        elif ending.state == "returned":
            self.returned += 1
        elif ending.state == "cancelled":
            self.cancelled += 1
        elif ending.state == "dead" or delivery.attempt >= delivery.last_attempt:
            self.dead += 1
        else:
            self.retried += 1
