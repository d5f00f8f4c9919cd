from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner, Result

from benchmarks import given as given_module
from benchmarks.choices import Misuse, choices_of, introduce
from benchmarks.command import application
from benchmarks.contestants import Contestant, open_systems
from benchmarks.databases import PREFIX
from benchmarks.failures import BenchmarkFailed
from benchmarks.given import Given, ask_postgres, ask_redis, durability_of
from benchmarks.host import Host, postgres_host
from benchmarks.scenarios.lifecycle import measure
from benchmarks.servers import redis_server
from tests.benchmarks.conftest import OURS, STREAMS


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server("everysec") as socket_path:
        yield f"unix://{socket_path}"


@pytest.fixture
def dsn_of_somebody(host: Host) -> Iterator[str]:
    """A role that may create databases, and nothing more."""
    host.admin.execute("create role somebody login createdb")
    dsn = make_conninfo(host.admin.info.dsn, user="somebody", dbname="postgres")
    yield dsn
    host.admin.execute("drop role somebody")


def databases_of_ours(admin: psycopg.Connection[Any]) -> list[str]:
    found = admin.execute("select datname from pg_database where starts_with(datname, %s)", (PREFIX,))
    return [name for (name,) in found]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), arguments)


def test_given_servers_are_measured_and_left_as_they_were(
    host: Host, dsn_of_somebody: str, redis_url: str
) -> None:
    everysec = Contestant("redis-streams", "everysec")
    with redis.Redis.from_url(redis_url) as server:
        server.set("somebody's", "key")
        with open_systems([OURS, everysec], Given(dsn_of_somebody, redis_url)) as systems:
            during = databases_of_ours(host.admin)
            for system in systems:
                assert measure(system, jobs=10, batch=10)["jobs_per_second"] > 0

        assert len(during) == 1
        assert databases_of_ours(host.admin) == []
        assert server.keys() == [b"somebody's"]


def test_the_hosts_of_a_given_server_leave_nothing_either(host: Host, dsn_of_somebody: str) -> None:
    with postgres_host(given=Given(dsn_of_somebody)) as given, given.database(OURS) as dsn:
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select count(*) from pgqueue.waiting").fetchone() == (0,)
        assert len(databases_of_ours(host.admin)) == 2  # its template beside it
        with pytest.raises(BenchmarkFailed, match="leave out --dsn"):
            given.cpu_seconds()

    assert databases_of_ours(host.admin) == []


def test_who_may_not_create_databases_is_told_so(host: Host, dsn_of_somebody: str) -> None:
    host.admin.execute("alter role somebody nocreatedb")

    with pytest.raises(BenchmarkFailed, match="somebody may not create databases"):
        ask_postgres(dsn_of_somebody)


def test_a_server_older_than_ours_is_refused(dsn_of_somebody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_module, "OLDEST_POSTGRES", 99)

    with pytest.raises(BenchmarkFailed, match="is version 18; give 99 or newer"):
        ask_postgres(dsn_of_somebody)


def test_a_redis_that_does_not_tell_is_refused(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as server:
        server.acl_setuser("nobody", enabled=True, nopass=True, commands=["+@all", "-config"])

        with pytest.raises(BenchmarkFailed, match="does not tell how durable it is"):
            ask_redis(redis_url.replace("unix://", "unix://nobody:nothing@"))


def test_a_server_that_is_not_durable_is_said_to_be_so(host: Host, dsn_of_somebody: str) -> None:
    host.admin.execute(sql.SQL("alter role somebody set synchronous_commit = 'off'"))

    assert ask_postgres(dsn_of_somebody) == [
        "the given PostgreSQL has synchronous_commit = off: its rows at fsync are not durable"
    ]


@pytest.mark.parametrize(
    ("appendonly", "appendfsync", "durability"),
    [("yes", "always", "fsync"), ("yes", "everysec", "everysec"), ("no", "everysec", "memory")],
)
def test_redis_tells_its_durability(appendonly: str, appendfsync: str, durability: str) -> None:
    assert durability_of({"appendonly": appendonly, "appendfsync": appendfsync}) == durability


def test_a_durability_nobody_measures_is_refused() -> None:
    with pytest.raises(BenchmarkFailed, match="appendfsync no; set it to always or everysec"):
        durability_of({"appendonly": "yes", "appendfsync": "no"})


def test_a_given_redis_is_measured_at_its_own_durability_alone(redis_url: str) -> None:
    kept, given, notes = introduce(choices_of(["lifecycle"], ["redis-streams"]), Given(redis_url=redis_url))

    assert [one.label for one in kept[0].contestants] == ["redis-streams:everysec"]
    assert given.redis_durability == "everysec"
    assert notes == [
        "left out, for the given Redis has everysec: redis-streams:fsync, redis-streams:memory",
    ]


def test_nobody_left_to_measure_is_misuse(redis_url: str) -> None:
    with pytest.raises(Misuse, match="nobody is left for lifecycle"):
        introduce(choices_of(["lifecycle"], [STREAMS.label]), Given(redis_url=redis_url))


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["idle", "--dsn", "dbname=app"], 2, "idle cannot be measured on a given server: it counts the CPU"),
        (["lifecycle", "--dsn", "nonsense"], 2, "--dsn cannot be read: missing"),
        (["lifecycle", "--redis-url", "nonsense"], 2, "--redis-url cannot be read: "),
        (["lifecycle", "--dsn", "host=/no/such/folder"], 1, "the given PostgreSQL refuses: connection"),
        (["lifecycle", "--redis-url", "unix:///no/such/socket"], 1, "the given Redis refuses: Error 2"),
    ],
)
def test_given_servers_that_refuse_are_one_clear_line(
    arguments: list[str], code: int, complaint: str
) -> None:
    done = run(*arguments)

    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith(f"benchmarks: {complaint}")
    assert done.stderr.count("\n") == 1
