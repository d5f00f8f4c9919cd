import threading
from typing import Any

import psycopg

from benchmarks.relations import Relations, dead_tuples


def test_partitions_count_for_their_parent(dsn: str) -> None:
    relations = Relations(dsn)
    try:
        seen = relations.sample()
    finally:
        relations.close()

    assert {"jobs", "ready", "claims", "outcomes", "installation"} <= set(seen)
    assert not [name for name in seen if name.startswith("ready_")]
    assert seen["ready"].size_bytes > 0


def test_a_relation_dropped_while_we_look_fails_nothing(bare_dsn: str) -> None:
    is_over = threading.Event()

    def churn() -> None:
        with psycopg.connect(bare_dsn, autocommit=True) as connection:
            while not is_over.is_set():
                connection.execute("create table churned (id integer primary key, body text)")
                connection.execute("drop table churned")

    churning = threading.Thread(target=churn)
    churning.start()
    relations = Relations(bare_dsn)
    try:
        for _ in range(200):
            relations.sample()
    finally:
        is_over.set()
        churning.join()
        relations.close()


def test_a_lock_on_a_relation_does_not_stop_the_sampler(dsn: str) -> None:
    relations = Relations(dsn)
    try:
        before = relations.sample()
        with psycopg.connect(dsn) as owner:
            owner.execute("lock table pgqueue.ready in access exclusive mode")
            during = relations.sample()
    finally:
        relations.close()

    assert set(during) == set(before)


def test_dead_tuples_are_named_by_relation(dsn: str, connection: psycopg.Connection[Any]) -> None:
    connection.execute("create table public.t as select generate_series(1, 100) as id")
    connection.execute("delete from public.t")
    connection.execute("select pg_stat_force_next_flush()")

    assert dead_tuples(dsn)["t"] == 100
