"""From what a handler answered to how its job ends: a pure decision."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from pgqueue.backoff import LONGEST, Backoff, Exponential
from pgqueue.calls.finish import Ending
from pgqueue.delivery import Delivery
from pgqueue.errors import InvalidPayload, PayloadTooLarge, PgQueueError, ResultNotSerializable, UnknownTask
from pgqueue.failure import described
from pgqueue.outcomes import Answer, Cancel, Dead, Retry, Snooze
from pgqueue.result import result_json
from pgqueue.sealing import Keyring, sealed_error, sealed_result

logger = logging.getLogger("pgqueue.worker")

HOPELESS = (InvalidPayload, PayloadTooLarge, ResultNotSerializable)  # another attempt would end the same
USUAL_BACKOFF = Exponential()  # where a task's own cannot say


class RolledBack(PgQueueError):
    """The handler finished its job in a transaction that never committed."""


@dataclass(frozen=True, slots=True)
class EndingUnlessFinished(Ending):
    """How a job ends whose handler finished it in a transaction: only where that did not commit."""


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
            return Ending(claim, job, "returned", delay=in_bounds(delay))
        case Cancel():
            return Ending(claim, job, "cancelled", error=described(error))
        case Dead():
            return Ending(claim, job, "dead", error=described(error))
        case _ if isinstance(error, HOPELESS):
            return Ending(claim, job, "dead", error=described(error))
        case Retry(delay=timedelta() as delay):
            return Ending(claim, job, "failed", delay=in_bounds(delay), error=described(error))
        case _:
            delay = delay_by(backoff, delivery)
            return Ending(claim, job, "failed", delay=delay, error=described(error))


def finished_itself(delivery: Delivery, backoff: Backoff) -> Ending:
    """How a job ends whose handler finished it and returned: the server knows whether that was committed."""
    error = RolledBack("the handler finished its job in a transaction that was not committed")
    delay = delay_by(backoff, delivery)
    return EndingUnlessFinished(delivery.claim, delivery.id, "failed", delay=delay, error=described(error))


def unless_finished(ending: Ending) -> Ending:
    """The same ending, of a job that may be finished already."""
    return EndingUnlessFinished(
        ending.claim, ending.job, ending.state, ending.delay, error=ending.error, result=ending.result
    )


def sealed(ending: Ending, keyring: Keyring) -> Ending:
    """The same ending, what it keeps of the job's data sealed."""
    error, result = ending.error, ending.result
    if error is not None:
        error = sealed_error(keyring, ending.job, error)
    if result is not None:
        result = sealed_result(keyring, ending.job, result)
    return replace(ending, error=error, result=result)


def unknown(delivery: Delivery, delay: timedelta) -> tuple[Ending, UnknownTask]:
    """A task nobody here knows: handed back unspent for another worker, with a pause."""
    ending = Ending(delivery.claim, delivery.id, "returned", delay=delay)
    return ending, UnknownTask(
        f"job {delivery.id} is of task {delivery.task!r}, unknown to this worker: handed back for {delay}"
    )


def cancelled(delivery: Delivery, reason: str) -> Ending:
    """Somebody asked that it be run no more."""
    return Ending(delivery.claim, delivery.id, "cancelled", error=described(Cancel(reason)))


def unspent(delivery: Delivery, delay: timedelta = timedelta(0)) -> Ending:
    """Not run, or not to its end: handed back, the attempt unspent."""
    return Ending(delivery.claim, delivery.id, "returned", delay=delay)


def delay_by(backoff: Backoff, delivery: Delivery) -> timedelta:
    """The delay before the next attempt; a backoff that fails must not fail the worker."""
    try:
        return in_bounds(backoff(delivery.attempt))
    except Exception:
        logger.exception("the backoff of task %s failed: %s instead", delivery.task, USUAL_BACKOFF)
        return USUAL_BACKOFF(delivery.attempt)


def in_bounds(delay: timedelta) -> timedelta:
    """The delay, not below zero and not beyond what the server can count."""
    return max(timedelta(0), min(delay, LONGEST))
