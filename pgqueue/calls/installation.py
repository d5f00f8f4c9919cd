"""Which installation a connection leads to, and what is installed there."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pgqueue.calls.call import Call, Row, call, function, scalar

INSTALLATION_ID = function("installation_id")
VERSION = function("version")


@dataclass(frozen=True, slots=True)
class Installed:
    """The schema's migration, and the digest of its functions."""

    revision: str
    functions_digest: str


def installation_id() -> Call[UUID]:
    """The id of the installation."""
    return call(INSTALLATION_ID, {}, scalar)


def version() -> Call[Installed]:
    """What is installed. Raises NotInstalled."""
    return call(VERSION, {}, installed)


def installed(rows: Sequence[Row]) -> Installed:
    """The one row."""
    return Installed(rows[0][0], rows[0][1])
