"""Values of every kind a task may take, shared by the tests that send them."""

import enum
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, computed_field
from pydantic.alias_generators import to_camel

from pgqueue import Task, task


class Color(enum.Enum):
    RED = "red"
    GREEN = 2


class Point(BaseModel):
    x: int
    y: float = 0.5


class Order(BaseModel):
    """Named one way in Python and another in JSON, with a field nobody may send."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    order_id: uuid.UUID
    line_items: list[Point] = []
    read_as: int = Field(default=1, validation_alias="somethingElse")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.line_items)


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T]


def carrying(annotation: Any) -> Task[..., None]:
    """A task with one argument of this type."""

    def carry(value: Any) -> None: ...

    carry.__annotations__["value"] = annotation
    return task(carry)


ROUND_TRIPS: list[tuple[Any, Any]] = [
    (int, 10**100),
    (int, -(2**63)),
    (float, 1e308),
    (float, 5e-324),
    (str, "quote ' \" back\\slash \\u0000 100% {} \u2028 💾"),
    (str, ""),
    (bool, True),
    (None, None),
    (bytes, b"text"),
    (date, date(2024, 2, 29)),
    (time, time(23, 59, 59, 999_999)),
    (datetime, datetime(2024, 2, 29, 12, 30, 45, 123_456, tzinfo=UTC)),
    (datetime, datetime(2024, 2, 29, 12, 30)),  # noqa: DTZ001 - naive stays naive
    (timedelta, timedelta(days=-3, seconds=7, microseconds=1)),
    (Decimal, Decimal("123456789012345678901234567890.000000000001")),
    (Decimal, Decimal("1.50")),
    (uuid.UUID, uuid.UUID(int=7)),
    (Path, Path("/tmp/x")),
    (Color, Color.RED),
    (Color, Color.GREEN),
    (Literal["a", "b"], "b"),
    (Point, Point(x=1)),
    (Point | None, None),
    (Order, Order(orderId=uuid.UUID(int=1), lineItems=[Point(x=1)], somethingElse=4)),  # type: ignore[call-arg]
    (Page[Point], Page[Point](items=[Point(x=2, y=1.25)])),
    (list[Point | Color], [Point(x=1), Color.RED]),
    (dict[str, list[Decimal | None]], {"a": [Decimal("0.10"), None]}),
    (dict[int, Color], {1: Color.GREEN}),
    (tuple[int, str], (1, "a")),
    (set[int], {3, 1, 2}),
    (frozenset[date], frozenset({date(2024, 1, 1)})),
    (Any, {"nested": [1, "a", None, {"deep": [True, 1.5]}]}),
]
