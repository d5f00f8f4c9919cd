"""Tests of workers whose role prefers settings nobody could work under: they force their own."""

from collections.abc import Awaitable, Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from pgqueue import AsyncClient, Cancel, JobRecord, current_job, task
from tests.conftest import Server
from tests.waiting import PATIENCE_SECONDS
from tests.worker.conftest import Running, RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]

PREFERENCES = {
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "statement_timeout": "9s",
    "lock_timeout": "9s",
    "idle_in_transaction_session_timeout": "9s",
    "idle_session_timeout": "9s",
    "transaction_timeout": "9s",
    "client_encoding": "LATIN1",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "timezone": "Asia/Kolkata",
    "standard_conforming_strings": "off",
    "search_path": "nowhere",
    "plan_cache_mode": "force_custom_plan",
    "enable_indexscan": "off",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "default_tablespace": "pg_default",
    "bytea_output": "escape",
}
FORCED = {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "statement_timeout": "5min",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "1min",
    "idle_session_timeout": "3min",
    "transaction_timeout": "5min",
    "client_encoding": "UTF8",
    "synchronous_commit": "off",
}
TERMINATE = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = %s"
AWKWARD = "snow ☃, a half-width カ, 'quotes', back\\slash, 100%s, $1 and \N{PILE OF POO}"


@task(name="echo", keep_result=True)
async def echo(text: str) -> dict[str, object]:
    return {"text": text}


@task(name="refuse", max_attempts=1)
def refuse(text: str) -> None:
    if current_job().attempt:
        raise Cancel(text)


@pytest.fixture
def role(server: Server, dsn: str) -> Iterator[str]:
    """One who may work, and who prefers all of it."""
    name = f"odd_{dsn.partition('/test_')[2][:12]}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        known = {row[0].lower() for row in admin.execute("select name from pg_settings")}
        admin.execute(sql.SQL("create role {} login in role pgqueue_worker").format(sql.Identifier(name)))
        for setting, value in PREFERENCES.items():
            if setting.lower() in known:
                admin.execute(
                    sql.SQL("alter role {} set {} = {}").format(
                        sql.Identifier(name), sql.Identifier(setting.lower()), sql.Literal(value)
                    )
                )
    yield dsn.replace("postgres@", f"{name}@", 1)
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(TERMINATE, [name])
    server.run("drop role {name}", name=name)


@pytest.mark.every_postgres
async def test_a_worker_works_whatever_its_role_prefers(
    role: str, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    worker = run_worker(echo, refuse, dsn=role)
    await worker.asleep()
    forced = await settings_of(worker)
    said = await ended(await client.enqueue(echo.job(text=AWKWARD)))
    refused = await ended(await client.enqueue(refuse.job(text=AWKWARD)))

    assert (said.state, said.result) == ("succeeded", {"text": AWKWARD})
    assert refused.state == "cancelled"
    assert forced == {name: FORCED[name] for name in forced}


async def settings_of(worker: Running) -> dict[str, str]:
    """What holds on the worker's line."""
    connection = worker.worker._connections.line._connection
    assert connection is not None
    async with worker.worker._connections.line.quiet(PATIENCE_SECONDS):
        found = await connection.execute(
            "select name, current_setting(name) from pg_settings where name = any (%s)", [list(FORCED)]
        )
        return dict(await found.fetchall())


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "UTF8"])
async def test_a_result_that_another_encoding_lacks_ends_neither_worker_nor_job(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, dsn: str, encoding: str
) -> None:
    worker = run_worker(echo, dsn=f"{dsn}&client_encoding={encoding}")
    record = await ended(await client.enqueue(echo.job(text=AWKWARD)))

    assert (record.state, record.result) == ("succeeded", {"text": AWKWARD})
    assert not worker.has_ended
