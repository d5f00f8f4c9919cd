"""How a call is spelled for a library: placeholders differ, the SQL does not.

Through a library whose users may change how types are read and written (asyncpg's
codecs, Django's naive times), a call is spelled portably: see `portable`.
"""

from collections.abc import Callable
from functools import lru_cache

from pgqueue.calls.call import Function
from pgqueue.drivers.portable import column, parameter_type

Placeholder = Callable[[int, str], str]
"""From a parameter's place (from 1) and SQL type to its placeholder, with casts."""


def native(place: int, sql_type: str) -> str:  # noqa: ARG001 - psycopg counts by itself
    """For psycopg: lists go in binary, an order of magnitude cheaper to write than in text."""
    if sql_type == "jsonb[]":
        return "%b::text[]::jsonb[]"
    return f"%b::{sql_type}" if sql_type.endswith("[]") else f"%s::{sql_type}"


def wired(place: int, sql_type: str) -> str:
    """For libpq: $1, $2, ..., each in binary."""
    return f"${place}::{sql_type}"


def lagging(place: int, sql_type: str) -> str:
    """As wired, for a transaction of this call alone that need not wait for the disk when it commits.

    Set with the first argument, so before the function begins: it may still decide to wait.
    """
    spelled = wired(place, sql_type)
    if place > 1:
        return spelled
    return f"case when pg_catalog.set_config('synchronous_commit', 'off', true) = 'off' then {spelled} end"


def binary_lists(place: int, sql_type: str) -> str:  # noqa: ARG001 - counted by the library
    """For libraries above psycopg."""
    return f"{'%b' if sql_type.endswith('[]') else '%s'}::{parameter_type(sql_type)}"


def percent(place: int, sql_type: str) -> str:  # noqa: ARG001 - counted by the library
    """For libraries that bind by %s."""
    return f"%s::{parameter_type(sql_type)}"


def numbered(place: int, sql_type: str) -> str:
    """For asyncpg: $1, $2, ..."""
    return f"${place}::{parameter_type(sql_type)}"


@lru_cache(maxsize=1024)
def spell(function: Function, schema: str, placeholder: Placeholder) -> str:
    """The statement that calls this function, parameters by name."""
    arguments = ", ".join(
        f'"{name}" => {placeholder(place, sql_type)}'
        for place, (name, sql_type) in enumerate(function.parameters, start=1)
    )
    columns = "*"
    if placeholder not in {native, wired, lagging} and function.answer:
        columns = ", ".join(column(quote(name), sql_type) for name, sql_type in function.answer)
    return f"select {columns} from {quote(schema)}.{function.name}({arguments})"  # noqa: S608 - names of ours, quoted


def quote(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
