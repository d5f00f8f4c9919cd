"""What a call is: data, which a driver can spell and run. It must never hold a connection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Row = Sequence[Any]
Decoder = Callable[[Sequence[Row]], T]


@dataclass(frozen=True, slots=True)
class Function:
    """An SQL function of ours: its name and the types of its parameters, in order.

    answer: the columns it answers with and their types, where it answers with rows.
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    answer: tuple[tuple[str, str], ...] = ()

    def answering(self, /, **columns: str) -> "Function":
        """The same function, which answers with these columns."""
        return replace(self, answer=tuple(columns.items()))


def function(name: str, /, **parameters: str) -> Function:
    """The function of this name, with each parameter's SQL type."""
    return Function(name, tuple(parameters.items()))


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call of a function: its values, in the order of the parameters, and what its rows mean."""

    function: Function
    values: tuple[Any, ...]
    decode: Decoder[T]


def call(target: Function, values: Mapping[str, Any], decode: Decoder[T]) -> Call[T]:
    """A call with a value for every parameter, by name."""
    return Call(target, tuple(values[name] for name, _ in target.parameters), decode)


def nothing(rows: Sequence[Row]) -> None:
    """For functions that return nothing."""


def scalar(rows: Sequence[Row]) -> Any:
    """For functions that return one value."""
    return rows[0][0]


def column(rows: Sequence[Row]) -> list[Any]:
    """For functions that return a set of single values."""
    return [row[0] for row in rows]
