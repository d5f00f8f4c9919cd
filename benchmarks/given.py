"""The servers somebody gave us, and what has to be so before they are measured; it must never change them."""

from dataclasses import dataclass
from typing import Any, cast

import psycopg
import redis

from benchmarks.failures import BenchmarkFailed
from benchmarks.rows import Durability

OLDEST_POSTGRES = 15
RIGHTS = "select rolsuper or rolcreatedb, rolname from pg_roles where rolname = current_user"
DURABLE_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
APPEND_DURABILITIES: dict[str, Durability] = {"always": "fsync", "everysec": "everysec"}


@dataclass(frozen=True)
class Given:
    """Servers to measure on instead of our own; where one is None, we start our own.

    redis_durability: what the given Redis has. It has one, so contestants of another are left out.
    """

    dsn: str | None = None
    redis_url: str | None = None
    redis_durability: Durability | None = None


OUR_OWN = Given()


def ask_postgres(dsn: str) -> list[str]:
    """What its rows would not mean, a line each. Raises BenchmarkFailed if it cannot be measured at all."""
    with _connected(dsn) as connection:
        major = connection.info.server_version // 10_000
        if major < OLDEST_POSTGRES:
            raise BenchmarkFailed(f"the given PostgreSQL is version {major}; give {OLDEST_POSTGRES} or newer")
        may_create, role = connection.execute(RIGHTS).fetchone() or (False, "?")
        if not may_create:
            raise BenchmarkFailed(
                f"{role} may not create databases on the given PostgreSQL; give it CREATEDB"
            )
        settings = {name: _setting(connection, name) for name in DURABLE_SETTINGS}
    return [
        f"the given PostgreSQL has {name} = {value}: its rows at fsync are not durable"
        for name, value in settings.items()
        if value == "off"
    ]


def _connected(dsn: str) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        raise BenchmarkFailed(f"the given PostgreSQL refuses: {error}") from error


def _setting(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("select current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


def ask_redis(url: str) -> Durability:
    """The durability it has. Raises BenchmarkFailed if it is none of ours, or it does not tell."""
    with redis.Redis.from_url(url) as connection:
        try:
            found = cast("dict[str, str]", connection.config_get("append*"))
        except redis.ConnectionError as error:
            raise BenchmarkFailed(f"the given Redis refuses: {error}") from error
        except redis.ResponseError as error:
            raise BenchmarkFailed(f"the given Redis does not tell how durable it is: {error}") from error
    return durability_of(found)


def durability_of(settings: dict[str, str]) -> Durability:
    """By `appendonly` and `appendfsync`. Raises BenchmarkFailed if it is none of ours."""
    if settings["appendonly"] == "no":
        return "memory"
    policy = settings["appendfsync"]
    if policy not in APPEND_DURABILITIES:
        raise BenchmarkFailed(f"the given Redis has appendfsync {policy}; set it to always or everysec")
    return APPEND_DURABILITIES[policy]
