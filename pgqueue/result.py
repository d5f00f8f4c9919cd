"""What a handler returned, as the JSON that is kept."""

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from pgqueue.delivery import Delivery
from pgqueue.errors import PayloadTooLarge, ResultNotSerializable
from pgqueue.json_text import faults, is_suspect


def result_json(delivery: Delivery, result: object, limit_bytes: int) -> str | None:
    """The result as JSON text, or None if its job keeps none.

    Models, dates, decimals, UUIDs and enums are written as pydantic writes them.
    Raises ResultNotSerializable or PayloadTooLarge.
    """
    if not delivery.keep_result:
        return None
    try:
        text = to_json(result)
    except (PydanticSerializationError, ValueError) as error:
        raise ResultNotSerializable(
            f"job {delivery.id} ({delivery.task}) returned {type(result).__qualname__}: {error}"
        ) from error
    if len(text) > limit_bytes:
        raise PayloadTooLarge(
            f"the result of job {delivery.id} ({delivery.task}) is {len(text)} bytes of JSON text, "
            f"the limit is {limit_bytes}: store it elsewhere and return a reference"
        )
    written = text.decode()
    if is_suspect(written):
        refuse_faults(delivery, result)
    return written


def refuse_faults(delivery: Delivery, result: object) -> None:
    """Raise ResultNotSerializable if jsonb cannot hold the result."""
    found = [
        f"result{f'.{path}' if path else ''} {fault}" for path, fault in faults(to_jsonable_python(result))
    ]
    if found:
        raise ResultNotSerializable(f"job {delivery.id} ({delivery.task}): {'; '.join(found)}")
