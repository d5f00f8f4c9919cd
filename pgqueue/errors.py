"""Every error pgqueue raises, in one tree; it must never tell errors apart by their message.

The server's own errors (a full disk, a failed serialization, a timeout) keep the
class the driver gave them, and carry a note that says what to do.

PgQueueError
├── NoConnection           no connection to the database could be had in time
├── NotInstalled           the connection leads where no pgqueue is
├── WrongInstallation      it leads to another pgqueue than the client's
├── SchemaMismatch         the schema is older or newer than this package
├── UnsupportedConnection  `connection=` is nothing we can run a call on
├── InvalidJob             a job is out of bounds (also a ValueError)
│   ├── InvalidPayload     its arguments do not fit the task
│   └── PayloadTooLarge    its arguments, or a result, are over the limit
├── InvalidSetting         a setting is out of bounds (also a ValueError)
├── ResultNotSerializable  a handler returned what JSON cannot say
├── UnknownJob             there is no job of that id
├── UnknownTask            no handler of that name here
├── LeaseLost              the job is no longer ours to finish or extend
├── NoResultYet            a wait ended before the job did
├── UnknownKey             something is sealed with a key that is not on the keyring
└── MissingExtra           an optional part of pgqueue is not installed
"""


class PgQueueError(Exception):
    """Anything pgqueue itself refuses or reports."""


class NoConnection(PgQueueError, ConnectionError):
    """No connection of our own could be had in time; nothing was asked of the server."""


class NotInstalled(PgQueueError):
    """The connection leads to a database or schema without pgqueue."""


class WrongInstallation(PgQueueError):
    """The connection leads to another installation than the client's own."""


class SchemaMismatch(PgQueueError):
    """The installed schema is not the one this package works with."""


class UnsupportedConnection(PgQueueError, TypeError):
    """The object given as `connection` is none that pgqueue can use here."""


class InvalidJob(PgQueueError, ValueError):
    """A job's option is out of its bounds; nothing was written."""


class InvalidPayload(InvalidJob):
    """The arguments do not fit the task's signature."""


class PayloadTooLarge(InvalidJob):
    """The payload or result is larger than the limit."""


class InvalidSetting(PgQueueError, ValueError):
    """A setting of the installation is out of its bounds; nothing was changed."""


class ResultNotSerializable(PgQueueError, TypeError):
    """A handler returned something that has no JSON form."""


class UnknownJob(PgQueueError, LookupError):
    """No job of this id is known, or its history has been dropped."""


class UnknownTask(PgQueueError, LookupError):
    """No task of this name is registered with this worker."""


class LeaseLost(PgQueueError):
    """The claim no longer holds the job; nothing was changed."""


class NoResultYet(PgQueueError, TimeoutError):
    """The job had not ended when the wait did."""


class UnknownKey(PgQueueError, LookupError):
    """Something is sealed with a key that this keyring does not hold."""


class MissingExtra(PgQueueError, ImportError):
    """An optional dependency is missing; the message names the extra."""


BY_SQLSTATE: dict[str, type[PgQueueError]] = {
    "PQ001": LeaseLost,
    "PQ002": InvalidJob,
    "PQ003": PayloadTooLarge,
    "PQ004": WrongInstallation,
    "PQ005": UnknownJob,
    "PQ006": InvalidSetting,
    "3F000": NotInstalled,  # invalid_schema_name
    "42883": NotInstalled,  # undefined_function
}


def from_sqlstate(sqlstate: str | None, message: str, schema: str) -> PgQueueError | None:
    """Our error for a code the server raised, or None if it is not ours to translate."""
    kind = BY_SQLSTATE.get(sqlstate or "")
    if kind is NotInstalled:
        return NotInstalled(
            f"no pgqueue of this version in schema {schema!r} of this database ({message}): "
            "check where the connection leads, or run `pgqueue migrate`"
        )
    return kind(message) if kind else None
