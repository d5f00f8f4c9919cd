"""From what a handler answered to how its job ends: a pure decision."""

from datetime import timedelta

from pgqueue.backoff import Backoff
from pgqueue.calls.finish import Ending
from pgqueue.delivery import Delivery
from pgqueue.errors import InvalidPayload, PayloadTooLarge, ResultNotSerializable, UnknownTask
from pgqueue.failure import described
from pgqueue.outcomes import Answer, Cancel, Dead, Retry, Snooze
from pgqueue.result import result_json

HOPELESS = (InvalidPayload, PayloadTooLarge, ResultNotSerializable)  # another attempt would end the same


def answered(delivery: Delivery, result: object, backoff: Backoff, limit_bytes: int) -> Ending:
    """How a job ends whose handler returned."""
    if isinstance(result, Answer):
        return raised(delivery, result, backoff)
    try:
        return Ending(delivery.claim, delivery.id, result=result_json(delivery, result, limit_bytes))
    except HOPELESS as error:
        return raised(delivery, error, backoff)


def raised(delivery: Delivery, error: BaseException, backoff: Backoff) -> Ending:
    """How a job ends whose handler raised."""
    claim, job = delivery.claim, delivery.id
    match error:
        case Snooze(delay=delay):
            return Ending(claim, job, "returned", delay=delay)
        case Cancel():
            return Ending(claim, job, "cancelled", error=described(error))
        case Dead():
            return Ending(claim, job, "dead", error=described(error))
        case _ if isinstance(error, HOPELESS):
            return Ending(claim, job, "dead", error=described(error))
        case Retry(delay=timedelta() as delay):
            return Ending(claim, job, "failed", delay=delay, error=described(error))
        case _:
            return Ending(claim, job, "failed", delay=backoff(delivery.attempt), error=described(error))


def unknown(delivery: Delivery, delay: timedelta) -> tuple[Ending, UnknownTask]:
    """A task nobody here knows: handed back unspent for another worker, with a pause."""
    ending = Ending(delivery.claim, delivery.id, "returned", delay=delay)
    return ending, UnknownTask(
        f"job {delivery.id} is of task {delivery.task!r}, unknown to this worker: handed back for {delay}"
    )


def unspent(delivery: Delivery, delay: timedelta = timedelta(0)) -> Ending:
    """Not run, or not to its end: handed back, the attempt unspent."""
    return Ending(delivery.claim, delivery.id, "returned", delay=delay)
