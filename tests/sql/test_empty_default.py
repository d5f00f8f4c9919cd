"""Tests that rows which came into a default partition leave it, waiting jobs with their bodies."""

import pytest

from tests.sql.session import Clock, Session
from tests.sql.windows import only_windows_of_now

DEFAULTS = ("jobs", "ready", "claims", "outcomes", "progress")


@pytest.fixture(autouse=True)
def _nobody_at_work(session: Session, clock: Clock) -> None:
    """A month without a worker."""
    only_windows_of_now(session)
    clock.advance(days=30)


def empty_all(session: Session, most: int = 100) -> dict[str, int]:
    """How many rows leave each default partition."""
    return {parent: session.call("empty_default", parent=parent, most=most)[0][0] for parent in DEFAULTS}


def sizes(session: Session) -> dict[str, int]:
    """The size of each default partition, dead rows included, without its indexes."""
    return {
        parent: session.value("select pg_relation_size(%s::regclass)", f"pgqueue.{parent}_default")
        for parent in DEFAULTS
    }


def test_what_waits_is_moved_on_and_runs_with_its_body(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_each(5)
    clock.advance(hours=1)

    assert empty_all(session) == {"jobs": 0, "ready": 5, "claims": 0, "outcomes": 0, "progress": 0}
    clock.advance(days=8)
    assert empty_all(session)["jobs"] == 5

    assert (sizes(session)["ready"], sizes(session)["jobs"]) == (0, 0)
    held = session.claim(max_jobs=9)
    assert [row.job for row in held] == jobs
    assert [row.payload for row in held] == [f'{{"number": {number}}}' for number in range(5)]


def test_history_goes_with_its_retention(session: Session, clock: Clock) -> None:
    session.enqueue_each(5)
    held = session.claim(max_jobs=5)
    session.call("report_progress", jobs=[held[0].job], attempts=[1], fractions=[0.5], notes=["half"])
    session.finish(held)
    clock.advance(days=6)
    assert set(empty_all(session).values()) == {0}

    clock.advance(days=2)

    assert empty_all(session) == {"jobs": 5, "ready": 0, "claims": 0, "outcomes": 5, "progress": 1}
    assert set(sizes(session).values()) == {0}
    assert session.count("jobs_kept") == 0


def test_some_at_a_time(session: Session, clock: Clock) -> None:
    session.enqueue_each(5)
    clock.advance(days=8)

    found = [empty_all(session, most=2) for _ in range(4)]

    assert [one["ready"] for one in found] == [2, 2, 1, 0]
    assert [one["jobs"] for one in found] == [2, 2, 1, 0]
    assert session.count("jobs_kept") == 5


def test_rows_of_now_stay_where_they_are(session: Session) -> None:
    session.enqueue_each(5)

    assert set(empty_all(session).values()) == {0}


def test_its_space_is_freed_while_a_long_transaction_pins_the_horizon(
    session: Session, other: Session
) -> None:
    other.run("begin isolation level repeatable read; select 1")
    session.enqueue_each(5)
    session.finish(session.claim(max_jobs=5))
    assert sizes(session)["ready"] > 0

    empty_all(session)

    assert (sizes(session)["ready"], sizes(session)["claims"]) == (0, 0)
    other.run("rollback")


def test_one_in_use_is_left_for_later(session: Session, other: Session) -> None:
    session.enqueue_each(5)
    session.finish(session.claim(max_jobs=5))

    with other.transaction():
        other.run("select from pgqueue.ready")
        empty_all(session)
        assert sizes(session)["ready"] > 0

    empty_all(session)
    assert sizes(session)["ready"] == 0


def test_what_is_no_table_of_ours_is_nothing(session: Session) -> None:
    assert session.call("empty_default", parent="queues")[0][0] == 0
