"""Tests of partitions whose time is past: dropped when nothing needs them; what waits is carried forward."""

import datetime as dt

import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, Session
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
        fates[window.name] = session.value(
            "select pgqueue.drop_window(parent => %s, name => %s)", window.parent, window.name
        )
    return fates


def test_a_passed_window_of_ready_and_claims_is_dropped(session: Session, clock: Clock) -> None:
    session.enqueue()
    session.finish(session.claim())

    clock.advance(hours=3)
    fates = drop_all(session)

    assert {name.split("_")[0] for name in fates} == {"ready", "claims"}
    assert set(fates.values()) == {"dropped"}


def test_the_window_of_now_and_the_one_before_stay(session: Session, clock: Clock) -> None:
    clock.advance(hours=1)

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


def test_a_claim_still_held_keeps_its_window_and_its_body(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    (held,) = session.claim(lease=20 * DAY)

    clock.advance(days=10)
    session.call("make_partitions")
    fates = drop_all(session)

    assert [name.split("_")[0] for name, fate in fates.items() if fate == "needed"] == ["claims"]
    assert set(fates.values()) == {"needed", "dropped"}
    assert session.finish([held], "failed") == []
    assert session.state(job) == "waiting"


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

        assert set(drop_all(session).values()) == {"locked"}

    assert set(drop_all(session).values()) == {"dropped"}


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
    assert {fate for name, fate in drop_all(session).items() if name.startswith("ready")} == {"dropped"}


def test_a_window_whose_time_is_not_past_is_never_dropped(session: Session) -> None:
    name = session.value(
        "select relname from pg_catalog.pg_class where relname ~ '^jobs_2' order by 1 limit 1"
    )

    assert session.value("select pgqueue.drop_window('jobs', %s)", name) == "needed"


def test_leftovers_go_once_their_retention_is_over(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    clock.advance(days=10)
    session.call("make_partitions")
    drop_all(session)
    kept = "select count(*) from pgqueue.jobs_kept"
    assert session.value(kept) == 1

    session.call("delete_leftovers")
    assert session.value(kept) == 1
    session.finish(session.claim())
    session.call("delete_leftovers")
    assert session.value(kept) == 1

    clock.advance(days=8)
    session.call("delete_leftovers")
    assert session.value(kept) == 0
    assert session.get(job) is None
