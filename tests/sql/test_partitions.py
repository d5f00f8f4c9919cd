"""Tests that partitions are made ahead, beside the traffic, and that no enqueue fails for want of one."""

import datetime as dt

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
    clock.advance(minutes=10)
    assert make(session) == 2  # ready and claims

    clock.advance(days=1)
    assert make(session) == 9  # three windows of each of those, one of each of the three by day


def test_one_call_makes_one_partition(session: Session, clock: Clock) -> None:
    clock.advance(minutes=20)

    fates = [session.call("make_ahead", parent="ready")[0][0] for _ in range(3)]

    assert fates == ["made", "made", "there"]
    assert session.call("make_ahead", parent="jobs")[0][0] == "there"


@pytest.mark.parametrize("parent", ["queues", "dead_letters", "nothing", None])
def test_only_our_partitioned_tables_get_windows(session: Session, parent: str | None) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        session.call("make_ahead", parent=parent)

    assert refusal.value.sqlstate == "PQ002"


def test_rows_go_to_the_window_of_their_moment(session: Session, clock: Clock) -> None:
    session.enqueue_many(2)
    session.enqueue(delay="2 hours")
    session.finish(session.claim())

    for parent in ("jobs", "outcomes"):
        assert leaf(session, parent) == [f"pgqueue.{parent}_{clock.now():%Y%m%d}_000000"]
    assert sorted(leaf(session, "ready")) == [
        f"pgqueue.ready_{clock.now():%Y%m%d_%H}2000",
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


def test_rows_in_the_default_partition_do_not_keep_their_window_from_being_made(
    session: Session, clock: Clock
) -> None:
    clock.advance(days=60)
    early = session.enqueue()

    assert make(session) == 15

    clock.advance(seconds=1)
    later = session.enqueue()
    assert "pgqueue.jobs_default" in leaf(session, "jobs")
    assert f"pgqueue.jobs_{clock.now():%Y%m%d_%H%M}31" in leaf(session, "jobs")
    assert len(leaf(session, "ready")) == 2
    assert [row.job for row in session.claim(max_jobs=5)] == [early, later]


def test_a_window_of_now_begins_a_little_later_where_a_row_may_be_on_its_way(
    session: Session, other: Session, clock: Clock
) -> None:
    clock.advance(days=60)

    with other.transaction():
        other.run("lock table only pgqueue.ready in row exclusive mode")  # as an enqueue begins
        make(session)
        session.enqueue()
        assert leaf(session, "ready") == ["pgqueue.ready_default"]

    clock.advance(seconds=6)
    session.enqueue()
    assert f"pgqueue.ready_{clock.now():%Y%m%d_%H%M}36" in leaf(session, "ready")


def test_a_window_begins_later_the_longer_attaching_it_takes(session: Session, clock: Clock) -> None:
    clock.advance(days=60)
    for _ in range(10):
        session.enqueue_many(6_000, payloads=[f'{{"text": "{"x" * 1_000}"}}'] * 6_000)
        clock.advance(seconds=0.1)  # a millisecond has some thousands of ids
    size = session.value("select pg_relation_size('pgqueue.jobs_default')")

    make(session)

    reading = dt.timedelta(seconds=size // 50_000_000)
    assert reading >= dt.timedelta(seconds=1)
    assert (
        session.value(
            "select min(low) from pgqueue.windows() where parent = 'jobs' and high > %s", clock.now()
        )
        >= clock.now() + dt.timedelta(seconds=6) + reading
    )
    assert "pgqueue.ready_default" in leaf(session, "ready")


def test_no_window_is_made_of_the_seconds_that_are_left_of_one(
    session: Session, other: Session, clock: Clock
) -> None:
    clock.advance(days=60, minutes=9, seconds=28)  # it is 10:29:58

    with other.transaction():
        other.run("lock table only pgqueue.ready in row exclusive mode")
        make(session)

    assert session.value(
        "select min(low) from pgqueue.windows() where parent = 'ready' and high > %s", clock.now()
    ) == clock.now() + dt.timedelta(seconds=6)


@pytest.mark.parametrize(
    ("ready_window", "history_window"),
    [("15 minutes", "6 hours"), ("1 hour", "25 hours"), ("7 minutes", "36 hours"), ("1 second", "1 hour")],
)
def test_windows_of_another_length_leave_no_gap_and_overlap_none(
    session: Session, clock: Clock, ready_window: str, history_window: str
) -> None:
    session.call("change_settings", ready_window=ready_window, history_window=history_window)
    for _ in range(4):
        make(session)
        clock.advance(hours=5)
    make(session)
    session.call("change_settings", ready_window="10 minutes", history_window="1 day")
    make(session)

    for parent in ("jobs", "ready", "claims"):
        windows = session.run(
            "select low, high, lead(low) over (order by low) as next from pgqueue.windows()"
            " where parent = %s and high > pgqueue.now()",
            parent,
        )
        assert windows[0].low <= clock.now()
        assert [row for row in windows if row.next not in (None, row.high)] == []
    session.enqueue()
    assert leaf(session, "ready")[0] != "pgqueue.ready_default"


@pytest.mark.parametrize("style", ["SQL, DMY", "German", "Postgres, MDY"])
def test_the_style_of_dates_of_a_session_does_not_matter(session: Session, clock: Clock, style: str) -> None:
    session.run("select set_config('datestyle', %s, false)", style)
    session.run("set timezone = 'Asia/Kolkata'")

    clock.advance(days=20)

    assert make(session) == 15
    assert make(session) == 0
    assert session.value("select count(*) from pgqueue.past_windows()") == 15


def test_the_days_on_which_the_clocks_change_are_as_long_as_others(session: Session, clock: Clock) -> None:
    session.run("set timezone = 'Europe/Berlin'")

    lengths = session.run(
        "select distinct extract(epoch from high - low) as seconds"
        " from pgqueue.missing_windows(400) where parent = 'jobs'"
    )

    assert [row.seconds for row in lengths] == [24 * 60 * 60]


def test_the_two_who_make_them_do_not_collide(session: Session, other: Session, clock: Clock) -> None:
    clock.advance(days=10)

    with session.transaction():
        assert make(session) == 15
        assert make(other) == 0
        assert other.call("make_ahead", parent="ready")[0][0] == "locked"

    assert make(other) == 0


def test_making_them_gives_up_behind_an_open_claim(session: Session, other: Session, clock: Clock) -> None:
    session.enqueue_many(2)
    clock.advance(days=10)

    with other.transaction():
        other.enqueue()
        other.claim()  # it looks into ready's default partition
        assert session.call("make_ahead", parent="ready")[0][0] == "locked"
        assert len(other.claim(max_jobs=5)) == 2

    assert make(session) == 15


def test_while_a_long_reader_is_there_the_traffic_goes_on(
    session: Session, other: Session, clock: Clock
) -> None:
    clock.advance(days=10)

    with other.transaction():
        other.run("select count(*) from pgqueue.jobs, pgqueue.ready, pgqueue.claims, pgqueue.outcomes")
        assert session.call("make_ahead", parent="ready")[0][0] == "locked"
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

    assert {row.relname.split("_")[0] for row in rows} == {"jobs", "outcomes", "progress"}
    assert all("autovacuum_vacuum_insert_threshold=-1" in row.reloptions for row in rows)


def test_a_bundle_that_fits_into_half_a_page_is_not_compressed(session: Session) -> None:
    session.enqueue_many(640, payloads=[f'{{"text": "{"x" * 400}"}}'] * 640)
    session.enqueue_many(640)

    rows = session.run(
        "select pg_column_compression(payloads) as method, pg_column_size(payloads) from pgqueue.jobs"
    )
    assert {row.method for row in rows} == {None}
    assert max(row.pg_column_size for row in rows) > 3000


def test_a_job_is_found_across_windows(session: Session, clock: Clock) -> None:
    jobs = []
    for _ in range(4):
        make(session)
        jobs.append(session.enqueue(max_attempts=9))
        session.finish(session.claim(), "failed")
        clock.advance(days=1)

    assert [session.state(job) for job in jobs] == ["waiting"] * 4
    assert sorted(row.job for row in session.claim(max_jobs=9)) == jobs
