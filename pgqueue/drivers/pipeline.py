"""Several calls in a row on a connection of our own, all in one transaction, the next one written while the
server works on the last.

They are asked and answered past psycopg's cursors, as in `exchange`. It must never leave the connection in
the middle of them: it is settled, or closed.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from psycopg import generators
from psycopg.errors import FeatureNotSupported
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from pgqueue.calls.call import Call
from pgqueue.drivers.exchange import Statement, good, statement_on
from pgqueue.drivers.failures import translated
from pgqueue.drivers.own import OwnAsyncConnection, OwnConnection

T = TypeVar("T")

IN_FLIGHT = 2  # statements sent ahead of their answers: the server is busy while we write the next


def run_each(connection: OwnConnection, calls: Iterable[Call[T]], schema: str) -> list[T]:
    """Run the calls one after the other, all or nothing; each is made when it is its turn."""
    with translated(schema), connection.lock:
        try:
            return connection.wait(Stream(connection, schema).transaction(calls))
        finally:
            close_unsettled(connection.pgconn)


async def run_each_async(connection: OwnAsyncConnection, calls: Iterable[Call[T]], schema: str) -> list[T]:
    """Run the calls one after the other. See `run_each`."""
    with translated(schema):
        async with connection.lock:
            try:
                return await connection.wait(Stream(connection, schema).transaction(calls))
            finally:
                close_unsettled(connection.pgconn)


class Stream:
    """Statements under way on one connection, and what becomes of the result of each, oldest first."""

    def __init__(self, connection: OwnConnection | OwnAsyncConnection, schema: str) -> None:
        self._connection = connection
        self._pgconn: PGconn = connection.pgconn
        self._schema = schema
        self._expected: deque[Callable[[PGresult], None]] = deque()
        self._prepared: list[Statement] = []
        self._answers: list[Any] = []

    def transaction(self, calls: Iterable[Call[T]]) -> Generator[Any, Any, list[T]]:
        """Ask them all in one transaction, and give their answers."""
        self._pgconn.enter_pipeline_mode()
        is_synced = False
        try:
            self._command(b"begin")
            for call in calls:
                self._ask(call)
                self._pgconn.send_flush_request()
                yield from generators.send(self._pgconn)
                yield from self._read(IN_FLIGHT)
            self._command(b"commit")
            is_synced = True
            self._pgconn.pipeline_sync()  # with the last call, not after its answer: a round trip less
            yield from generators.send(self._pgconn)
            yield from self._read(0)
        except Exception as error:
            is_outdated = isinstance(error, FeatureNotSupported)  # an upgrade changed what is answered
            for statement in self._connection.statements.values() if is_outdated else self._prepared:
                statement.forget()  # or it was passed over, behind the error
            if self._pgconn.status == ConnStatus.OK:
                if not is_synced:
                    self._pgconn.pipeline_sync()
                yield from self._settle()
            raise
        yield from self._settle()
        return self._answers

    def _command(self, text: bytes) -> None:
        self._pgconn.send_query_params(text, None)
        self._expected.append(succeeded)

    def _ask(self, call: Call[Any]) -> None:
        statement = statement_on(self._connection, call.function, self._schema, lags=False)
        forms = statement.written(call.values)
        if statement.is_to_be_prepared():
            statement.prepare(self._pgconn)
            self._prepared.append(statement)
            self._expected.append(succeeded)
        statement.send(self._pgconn, forms)
        self._expected.append(lambda result: self._answers.append(call.decode(statement.rows(result))))

    def _read(self, left: int) -> Generator[Any, Any, None]:
        """Read results until so many are left under way. Raises the server's error."""
        while len(self._expected) > left:
            results = yield from generators.fetch_many(self._pgconn)
            self._expected.popleft()(results[-1])

    def _settle(self) -> Generator[Any, Any, None]:
        """Read what is left, to the end; a transaction that is open still is rolled back."""
        yield from generators.send(self._pgconn)
        while True:
            results = yield from generators.fetch_many(self._pgconn)
            if results and results[-1].status == ExecStatus.PIPELINE_SYNC:
                break
        self._pgconn.exit_pipeline_mode()
        if self._pgconn.transaction_status != TransactionStatus.IDLE:
            self._pgconn.send_query(b"rollback")
            yield from generators.execute(self._pgconn)


def succeeded(result: PGresult) -> None:
    """Of a statement without rows. Raises the server's error."""
    good(result, ExecStatus.COMMAND_OK)


def close_unsettled(pgconn: PGconn) -> None:
    """Close a connection that was left in the middle of a pipeline: nobody can read on."""
    if pgconn.status == ConnStatus.OK and pgconn.pipeline_status != PipelineStatus.OFF:
        pgconn.finish()
