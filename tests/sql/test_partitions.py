"""Tests that partitions are made ahead, beside the traffic, and that no enqueue fails for want of one."""

import psycopg
import pytest

from tests.sql.session import Clock, Session
from tests.sql.windows import leaves, only_windows_of_now

PARENTS = ("jobs", "ready", "claims", "outcomes", "progress")


@pytest.fixture
def clock(clock: Clock, session: Session) -> Clock:
    """The database's clock, with the windows of its moment."""
    only_windows_of_now(session)
    return clock


def make(session: Session, ahead: int = 2) -> int:
    """How many partitions were made."""
    found: int = session.call("make_partitions", ahead=ahead)[0][0]
    return found


def leaf(session: Session, parent: str) -> list[str]:
    """Where the rows of a table lie."""
    rows = session.run(f"select distinct tableoid::regclass::text as leaf from pgqueue.{parent}")
    return [row.leaf for row in rows]


def test_windows_ahead_are_there_from_the_start(session: Session) -> None:
    for parent in PARENTS:
        bounds = [row.bounds for row in leaves(session, parent)]
        assert bounds.count("DEFAULT") == 1
        assert len(bounds) == (5 if parent == "ready" else 4)


def test_making_them_twice_makes_nothing(session: Session, clock: Clock) -> None:
    assert make(session) == 0


def test_moving_on_makes_one_window_of_each(session: Session, clock: Clock) -> None:
    make(session)
    clock.advance(hours=1)
    assert make(session) == 2  # ready and claims

    clock.advance(days=1)
    assert make(session) == 9  # three windows of each of those, one of each of the three by day


def test_rows_go_to_the_window_of_their_moment(session: Session, clock: Clock) -> None:
    make(session)
    session.enqueue_many(2)
    session.enqueue(delay="2 hours")
    session.finish(session.claim())

    for parent in ("jobs", "outcomes"):
        assert leaf(session, parent) == [f"pgqueue.{parent}_{clock.now():%Y%m%d}_000000"]
    assert sorted(leaf(session, "ready")) == [
        f"pgqueue.ready_{clock.now():%Y%m%d_%H}0000",
        "pgqueue.ready_late",
    ]


def test_an_enqueue_long_after_the_last_window_still_works(session: Session, clock: Clock) -> None:
    clock.advance(days=60)

    job = session.enqueue()
    assert (leaf(session, "jobs"), leaf(session, "ready")) == (
        ["pgqueue.jobs_default"],
        ["pgqueue.ready_default"],
    )

    session.finish(session.claim(), "failed")
    session.finish(session.claim())
    assert session.history(job) == [(1, "failed"), (2, "succeeded")]


def test_windows_are_made_again_although_the_default_holds_rows_of_now(
    session: Session, clock: Clock
) -> None:
    clock.advance(days=60)
    early = session.enqueue()

    assert make(session) == 13  # all but the windows of now of jobs and ready

    clock.advance(days=1)
    later = session.enqueue()
    assert min(leaf(session, "jobs")).startswith("pgqueue.jobs_2")
    assert {row.job for row in session.claim(max_jobs=5)} == {early, later}


def test_another_length_of_windows_overlaps_none(session: Session, clock: Clock) -> None:
    make(session)
    session.run("update pgqueue.installation set ready_window = '15 minutes', history_window = '6 hours'")

    make(session)
    clock.advance(days=4)

    assert make(session) == 15
    session.enqueue()
    assert leaf(session, "ready")[0] != "pgqueue.ready_default"


def test_the_two_who_make_them_do_not_collide(session: Session, other: Session, clock: Clock) -> None:
    clock.advance(days=10)

    with session.transaction():
        assert make(session) == 15
        assert make(other) == 0

    assert make(other) == 0


def test_making_them_gives_up_behind_an_open_claim(session: Session, other: Session, clock: Clock) -> None:
    session.enqueue_many(2)
    clock.advance(days=10)

    with other.transaction():
        other.enqueue()
        other.claim()  # it looks into ready's default partition
        with pytest.raises(psycopg.errors.LockNotAvailable):
            make(session)
        assert len(other.claim(max_jobs=5)) == 2

    assert make(session) == 13


def test_while_a_long_reader_is_there_the_traffic_goes_on(
    session: Session, other: Session, clock: Clock
) -> None:
    clock.advance(days=10)

    with other.transaction():
        other.run("select count(*) from pgqueue.jobs, pgqueue.ready, pgqueue.claims, pgqueue.outcomes")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            make(session)
        session.enqueue()
        assert session.finish(session.claim()) == []

    assert make(session) > 0


def test_every_leaf_of_ready_is_unique_and_has_a_replica_identity(session: Session) -> None:
    rows = session.run(
        "select child.relname, child.relreplident,"
        " (select count(*) from pg_catalog.pg_index"
        "  where indrelid = child.oid and indisunique and indisreplident) as indexes"
        " from pg_catalog.pg_class as child"
        " where child.relnamespace = 'pgqueue'::regnamespace and relkind = 'r' and relname like 'ready%'"
    )

    assert len(rows) == 5
    assert {(row.relreplident, row.indexes) for row in rows} == {("i", 1)}


def test_what_is_only_appended_to_is_not_vacuumed_for_it(session: Session) -> None:
    rows = session.run(
        "select relname, reloptions from pg_catalog.pg_class"
        " where relnamespace = 'pgqueue'::regnamespace and relispartition"
        " and relkind = 'r' and relname ~ '^(jobs|outcomes|progress)_'"
    )

    assert {tuple(row.reloptions) for row in rows} == {("autovacuum_vacuum_insert_threshold=-1",)}


def test_a_job_is_found_across_windows(session: Session, clock: Clock) -> None:
    jobs = []
    for _ in range(4):
        make(session)
        jobs.append(session.enqueue(max_attempts=9))
        session.finish(session.claim(), "failed")
        clock.advance(days=1)

    assert [session.state(job) for job in jobs] == ["waiting"] * 4
    assert sorted(row.job for row in session.claim(max_jobs=9)) == jobs
