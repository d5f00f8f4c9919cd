"""Tests of partitions whose time is past: dropped when nothing needs them; what waits is carried forward."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, InBackground, Row, Session
from tests.sql.windows import only_windows_of_now

DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _windows(session: Session, clock: Clock) -> None:
    """The windows around the clock's moment, which is not the server's."""
    only_windows_of_now(session)


def drop_all(session: Session) -> dict[str, str]:
    """What becomes of each partition whose time is past."""
    fates = {}
    for window in session.call("past_windows"):
        fates[window.name] = drop(session, window)
    return fates


def drop(session: Session, window: Row, **options: Any) -> str:
    """What becomes of one of them."""
    found: str = session.call("drop_window", parent=window.parent, name=window.name, **options)[0][0]
    return found


def oldest(session: Session, parent: str) -> Row:
    """The first of a table's windows whose time is past."""
    return next(row for row in session.call("past_windows") if row.parent == parent)


def test_a_passed_window_of_ready_and_claims_is_dropped(session: Session, clock: Clock) -> None:
    session.enqueue()
    session.finish(session.claim())

    clock.advance(hours=3)
    fates = drop_all(session)

    assert {name.split("_")[0] for name in fates} == {"ready", "claims"}
    assert set(fates.values()) == {"dropped"}


def test_the_window_of_now_and_the_one_before_stay(session: Session, clock: Clock) -> None:
    clock.advance(minutes=10)

    assert session.call("past_windows") == []


def test_a_waiting_job_is_carried_forward_and_runs(session: Session, clock: Clock) -> None:
    job = session.enqueue(payload='{"a": 1}')

    clock.advance(days=10)
    session.call("make_partitions")
    fates = drop_all(session)
    (held,) = session.claim()

    assert set(fates.values()) == {"dropped"}
    assert (held.job, held.payload) == (job, '{"a": 1}')
    assert session.finish([held]) == []
    assert session.state(job) == "succeeded"


def test_a_job_scheduled_for_next_month_pins_nothing(session: Session, clock: Clock) -> None:
    job = session.enqueue(delay=30 * DAY)

    clock.advance(days=10)
    session.call("make_partitions")

    assert set(drop_all(session).values()) == {"dropped"}
    assert session.state(job) == "scheduled"
    clock.advance(days=20)
    assert [row.job for row in session.claim()] == [job]


def test_a_claim_still_held_is_carried_forward_and_keeps_its_body(session: Session, clock: Clock) -> None:
    job = session.enqueue(payload='{"a": 1}')
    (held,) = session.claim(lease=20 * DAY)

    clock.advance(days=10)
    session.call("make_partitions")
    fates = drop_all(session)

    assert {name.split("_")[0]: fate for name, fate in fates.items() if fate != "dropped"} == {
        "outcomes": "needed"
    }
    assert [row.claim for row in session.extend(held.claim)] == [held.claim]
    assert session.finish([held], "failed") == []
    assert (session.state(job), session.claim()[0].payload) == ("waiting", '{"a": 1}')
    assert session.count("claims") == 1


def test_receipts_stay_while_their_claim_is_held_however_short_the_retention(
    session: Session, clock: Clock
) -> None:
    session.call("change_settings", retention="1 hour", history_window="1 hour")
    session.enqueue_many(2)
    held = session.claim(max_jobs=2, lease=DAY)
    session.complete(held[0])

    clock.advance(hours=30)
    session.call("make_partitions")
    drop_all(session)
    with pytest.raises(psycopg.Error) as refusal:
        session.complete(held[0])

    assert refusal.value.sqlstate == "PQ001"
    session.finish(held[1:])
    assert [fate for name, fate in drop_all(session).items() if name.startswith("outcomes")] == ["dropped"]


def test_receipts_in_the_default_partition_stay_while_their_claim_is_held(
    session: Session, clock: Clock
) -> None:
    clock.advance(days=20)
    session.enqueue_many(2)
    held = session.claim(max_jobs=2, lease=30 * DAY)
    session.complete(held[0])

    clock.advance(days=10)
    session.call("make_partitions")
    assert session.call("empty_default", parent="outcomes")[0][0] == 0
    session.finish(held[1:])

    clock.advance(days=8)
    assert session.call("empty_default", parent="outcomes")[0][0] == 2


def test_a_completion_of_today_outlives_an_old_jobs_partition(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    clock.advance(days=10)
    session.call("make_partitions")
    drop_all(session)

    session.finish(session.claim())

    assert drop_all(session) == {}
    assert session.history(job) == [(1, "succeeded")]


def test_an_open_reader_makes_it_give_up_soon(
    session: Session, open_session: OpenSession, clock: Clock
) -> None:
    reader = open_session()
    clock.advance(hours=3)
    with reader.connection.transaction():
        reader.run("select * from pgqueue.ready")
        reader.run("select * from pgqueue.claims")

        assert set(drop_all(session).values()) == {"emptied"}  # nothing has ever come into them

    assert set(drop_all(session).values()) == {"dropped"}


def test_what_is_carried_forward_stays_so_where_the_window_is_locked(
    session: Session, open_session: OpenSession, clock: Clock
) -> None:
    jobs = session.enqueue_each(5)
    reader = open_session()
    clock.advance(hours=3)
    session.call("make_partitions")
    with reader.connection.transaction():
        reader.run("select * from pgqueue.ready")

        window = oldest(session, "ready")
        assert [drop(session, window, carry=3), drop(session, window, carry=3)] == ["carried", "locked"]

    assert session.value("select sum(size) from pgqueue.ready_late") == 5
    assert drop(session, window) == "dropped"
    assert {row.job for row in session.claim(max_jobs=9)} == set(jobs)


def test_bodies_are_carried_forward_some_at_a_time(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(5)
    clock.advance(days=10)
    session.call("make_partitions")
    window = oldest(session, "jobs")

    fates = [drop(session, window, carry=2) for _ in range(3)]

    assert fates == ["carried", "carried", "dropped"]
    assert {row.payload for row in session.claim(max_jobs=9)} == {f'{{"number": {n}}}' for n in range(5)}
    assert session.count("jobs_kept") == len(jobs)


def test_two_rounds_do_not_collide(session: Session, other: Session, clock: Clock) -> None:
    session.enqueue()
    clock.advance(hours=3)
    windows = session.call("past_windows")

    with session.transaction():
        assert {drop(session, window) for window in windows} == {"dropped"}
        assert {drop(other, window) for window in windows} == {"locked"}
        assert other.call("delete_leftovers")[0][0] == 0
        assert other.call("empty_default", parent="ready")[0][0] == 0

    assert {drop(other, window) for window in windows} == {"needed"}
    assert session.call("past_windows") == []


def test_it_works_while_a_long_transaction_pins_the_horizon(
    session: Session, other: Session, clock: Clock
) -> None:
    other.run("begin isolation level repeatable read; select 1")  # a snapshot, and no lock of ours
    jobs = session.enqueue_many(50)
    held = session.claim(max_jobs=49)
    session.finish(held, "succeeded")
    clock.advance(days=10)
    session.call("make_partitions")

    assert set(drop_all(session).values()) == {"dropped"}

    assert [row.job for row in session.claim(max_jobs=9)] == jobs[49:]
    other.run("rollback")


def test_an_open_enqueue_lets_the_space_go_and_the_partition_later(
    session: Session, open_session: OpenSession, clock: Clock
) -> None:
    session.enqueue_many(100)
    session.finish(session.claim(max_jobs=100))
    clock.advance(hours=3)
    session.call("make_partitions")
    producer = open_session()
    with producer.connection.transaction():
        producer.enqueue()

        fates = drop_all(session)

        assert "emptied" in {fate for name, fate in fates.items() if name.startswith("ready")}
        window = oldest(session, "ready")
        assert drop(session, window, parent_is_busy=True) == "emptied"
        assert session.value("select pg_relation_size('pgqueue.' || %s)", window.name) == 0

    assert drop(session, window) == "dropped"


def test_a_window_whose_time_is_not_past_is_never_dropped(session: Session) -> None:
    name = session.value(
        "select relname from pg_catalog.pg_class where relname ~ '^jobs_2' order by 1 limit 1"
    )

    assert session.value("select pgqueue.drop_window('jobs', %s)", name) == "needed"


def test_a_body_that_somebody_keeps_meanwhile_does_not_end_the_carrying_of_others(
    session: Session, other: Session, open_session: OpenSession, clock: Clock
) -> None:
    jobs = session.enqueue_many(5)
    clock.advance(days=9)
    window = oldest(session, "jobs")

    with other.transaction():
        other.run("insert into pgqueue.jobs_kept select * from pgqueue.bodies where id = %s", jobs[0])
        carrying = InBackground(open_session(patient=True), "carry_bodies", name=window.name, most=5)
        carrying.wait_until_blocked(session)

    assert carrying.rows()[0][0] == 5  # as many as may be: there may be more
    assert drop(session, window) == "dropped"
    assert session.count("jobs_kept") == 5


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_what_clears_away_refuses_to_look_with_an_older_snapshot(
    session: Session, clock: Clock, level: str
) -> None:
    clock.advance(hours=3)
    window = oldest(session, "ready")
    session.run(f"set default_transaction_isolation = '{level}'")

    for name, values in (
        ("drop_window", {"parent": window.parent, "name": window.name}),
        ("delete_leftovers", {}),
        ("empty_default", {"parent": "ready"}),
    ):
        with pytest.raises(psycopg.Error) as caught:
            session.call(name, **values)
        assert caught.value.sqlstate == "PQ006"
        assert level in str(caught.value)
