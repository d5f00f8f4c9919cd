"""Calls on connections of our own: one statement of libpq, its parameters and rows in binary.

A cursor asks anew at every call what it knows already: which types its parameters have, which loaders its
columns need, whether the statement is prepared. Here each function is asked once a connection. It must never
touch a connection that is not ours.
"""

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import generators
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from pgqueue.calls.call import Call, Function, Row
from pgqueue.drivers.adapters import ADAPTERS
from pgqueue.drivers.failures import translated
from pgqueue.drivers.own import OwnAsyncConnection, OwnConnection
from pgqueue.drivers.spelling import lagging, spell, wired
from pgqueue.drivers.wire import writers, written

T = TypeVar("T")

Exchange = Generator[Any, Any, list[Row]]
CACHED_PLAN_CHANGED = b"0A000"


class Statement:
    """One function's call on one connection, prepared once it has been used some times."""

    def __init__(self, connection: Any, function: Function, schema: str, *, lags: bool) -> None:
        self._text = spell(function, schema, lagging if lags else wired).encode()
        self._name = f"pgqueue_{schema}_{function.name}_{lags}".encode()
        self._parameters = writers(function)
        self._formats = [Format.BINARY] * len(function.parameters)
        self._uses_until_prepared: int | None = connection.prepare_threshold
        self._is_prepared = False
        self._reader = Transformer(Context(connection))
        self._knows_columns = False

    def exchange(self, pgconn: PGconn, values: Sequence[Any]) -> Exchange:
        """Ask, and give the rows of the answer."""
        forms = self.written(values)
        result = yield from self._ask(pgconn, forms)
        if self._is_prepared and is_outdated(pgconn, result):
            self.forget()
            result = yield from self._ask(pgconn, forms)
        return self.rows(result)

    def written(self, values: Sequence[Any]) -> list[bytes | None]:
        """The values of a call in their binary forms."""
        return written(self._parameters, values)

    def is_to_be_prepared(self) -> bool:
        """Whether it has been used often enough."""
        return not self._is_prepared and self._uses_until_prepared == 0

    def prepare(self, pgconn: PGconn) -> None:
        """Have the server prepare it; the answer is the caller's to read."""
        pgconn.send_prepare(self._name, self._text)
        self._is_prepared, self._knows_columns = True, False

    def forget(self) -> None:
        """Whatever was prepared is not to be relied on, nor is its name free: do without from now on."""
        self._is_prepared, self._uses_until_prepared = False, None

    def send(self, pgconn: PGconn, forms: Sequence[bytes | None]) -> None:
        """Ask; the answer is the caller's to read."""
        if self._is_prepared:
            pgconn.send_query_prepared(self._name, forms, self._formats, Format.BINARY)
        else:
            self._uses_until_prepared = self._uses_until_prepared and self._uses_until_prepared - 1
            pgconn.send_query_params(self._text, forms, None, self._formats, Format.BINARY)

    def _ask(self, pgconn: PGconn, forms: Sequence[bytes | None]) -> Generator[Any, Any, PGresult]:
        if self.is_to_be_prepared():
            self.prepare(pgconn)
            prepared: list[PGresult] = yield from generators.execute(pgconn)
            self._is_prepared = prepared[-1].status == ExecStatus.COMMAND_OK
            good(prepared[-1], ExecStatus.COMMAND_OK)
        self.send(pgconn, forms)
        results: list[PGresult] = yield from generators.execute(pgconn)
        return results[-1]

    def rows(self, result: PGresult) -> list[Row]:
        """The rows of an answer. Raises the server's error.

        Of its columns: only a prepared statement is sure to answer with the same every time.
        """
        good(result, ExecStatus.TUPLES_OK)
        self._reader.set_pgresult(result, set_loaders=not (self._is_prepared and self._knows_columns))
        self._knows_columns = True
        return self._reader.load_rows(0, result.ntuples, tuple)


class Context:
    """What the rows are read by: our adapters, and the connection's encoding and time zone."""

    def __init__(self, connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> None:
        self.adapters = ADAPTERS
        self.connection = connection


def is_outdated(pgconn: PGconn, result: PGresult) -> bool:
    """Whether an upgrade changed what a prepared statement answers with; the server has done nothing then."""
    code = result.error_field(DiagnosticField.SQLSTATE) if result.status == ExecStatus.FATAL_ERROR else None
    return code == CACHED_PLAN_CHANGED and pgconn.transaction_status == TransactionStatus.IDLE


def good(result: PGresult, expected: ExecStatus) -> PGresult:
    """The result of a statement. Raises the server's error."""
    if result.status != expected:
        raise error_from_result(result)
    return result


def run_own(connection: OwnConnection, call: Call[T], schema: str, *, lags: bool = False) -> T:
    """Run the call in a transaction of its own.

    lags: that need not wait for the disk when it commits.
    """
    with translated(schema):
        statement = statement_on(connection, call.function, schema, lags=lags)
        with connection.lock:
            rows = connection.wait(statement.exchange(connection.pgconn, call.values))
        return call.decode(rows)


async def run_own_async(
    connection: OwnAsyncConnection, call: Call[T], schema: str, *, lags: bool = False
) -> T:
    """Run the call in a transaction of its own. See `run_own`."""
    with translated(schema):
        statement = statement_on(connection, call.function, schema, lags=lags)
        async with connection.lock:
            rows = await connection.wait(statement.exchange(connection.pgconn, call.values))
        return call.decode(rows)


def statement_on(
    connection: OwnConnection | OwnAsyncConnection, function: Function, schema: str, *, lags: bool
) -> Statement:
    """The function's statement on this connection, made when it is first called there."""
    key = (function.name, schema, lags)
    statement: Statement | None = connection.statements.get(key)
    if statement is None:
        statement = connection.statements[key] = Statement(connection, function, schema, lags=lags)
    return statement
