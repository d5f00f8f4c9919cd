"""Tests that a list holds each job that fits once, page by page, and looks at no more than it may."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.sql.session import Clock, Row, Session

STATES = ("waiting", "scheduled", "running", "succeeded", "cancelled", "dead", "purged")


def pages(session: Session, **filters: Any) -> Iterator[list[Row]]:
    """The pages of a list, to the last."""
    after = None
    while True:
        rows = session.call("list_jobs", after=after, **filters)
        yield [row for row in rows if row.id is not None]
        after = rows[-1].next_page if rows and rows[-1].id is None else None
        if after is None:
            return


def listed(session: Session, **filters: Any) -> list[int]:
    return [row.id for page in pages(session, **filters) for row in page]


@pytest.fixture
def jobs(session: Session, clock: Clock) -> list[int]:
    """Jobs in every state, some in two ways."""
    jobs: list[int] = []
    for _ in range(10):
        jobs.append(session.enqueue(max_attempts=2))
        clock.advance(seconds=1)
    session.call("cancel", job=jobs[0])
    held = session.claim(max_jobs=8)
    session.finish(held[:1], "succeeded")
    session.finish(held[1:2], "failed", delays=["1 hour"])
    session.finish(held[2:3], "failed")
    session.finish(held[3:5], "dead")
    session.finish(held[5:6], "cancelled")
    session.call("cancel", job=held[6].job)
    session.call("purge", jobs=[held[4].job])
    jobs.append(session.enqueue(delay="1 day"))
    jobs.append(session.enqueue("bulk", task="sweep", priority=0))
    session.call("cancel", job=jobs[9])
    return jobs


def test_a_job_handed_back_for_later_is_listed_as_scheduled(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.finish(session.claim(), "returned", delays=["1 hour"])

    (listed_one,) = session.call("list_jobs", in_state="scheduled")

    assert (listed_one.id, listed_one.state) == (job, "scheduled")
    assert listed(session, in_state="waiting") == []


def test_every_state_lists_what_the_view_says(session: Session, jobs: list[int]) -> None:
    seen = {row.id: row for row in session.run("select * from pgqueue.job_states")}

    for state in STATES:
        found = [row for page in pages(session, in_state=state) for row in page]
        assert {row.id for row in found} == {job for job, row in seen.items() if row.state == state}, state
        assert all(tuple(row)[:-1] == tuple(seen[row.id]) for row in found)
    assert {row.state for row in seen.values()} == set(STATES)
    assert listed(session) == sorted(seen, reverse=True)


@pytest.mark.parametrize("max_jobs", [1, 2, 5])
@pytest.mark.parametrize("max_looked", [1, 3, 100])
def test_pages_hold_each_job_once(session: Session, jobs: list[int], max_jobs: int, max_looked: int) -> None:
    for state in (None, *STATES):
        whole = listed(session, in_state=state)

        turned = list(pages(session, in_state=state, max_jobs=max_jobs, max_looked=max_looked))

        assert [row.id for page in turned for row in page] == whole, state
        assert max(len(page) for page in turned) <= min(max_jobs, max_looked)


def test_what_is_rare_is_found_some_pages_on(session: Session) -> None:
    rare = session.enqueue(task="rare")
    session.enqueue_many(20)

    for state in (None, "waiting"):
        turned = list(pages(session, in_state=state, of_task="rare", max_looked=5))

        assert [row.id for page in turned for row in page] == [rare]
    assert len(turned) >= 1


def test_waiting_jobs_are_listed_as_they_are_claimed(session: Session, clock: Clock) -> None:
    for queue in ("b", "a"):
        for priority in (9, 5, 0):
            for _ in range(2):
                session.enqueue(queue, priority=priority)
                clock.advance(seconds=1)
    session.enqueue("a", priority=0, delay="1 hour")

    found = listed(session, in_state="waiting", max_jobs=3)

    assert found == [row.job for row in session.claim("a", "b", max_jobs=100)]


def test_scheduled_jobs_are_listed_as_they_fall_due(session: Session, clock: Clock) -> None:
    later, soon = session.enqueue(delay="2 hours"), session.enqueue(delay="1 hour")
    session.enqueue()

    assert listed(session, in_state="scheduled", max_jobs=1) == [soon, later]


def test_a_queue_of_any_name_can_be_gone_on_in(session: Session) -> None:
    name = "a b\n'ü \\ %s"
    jobs = [session.enqueue(name) for _ in range(3)]

    assert listed(session, in_state="waiting", in_queue=name, max_jobs=1) == jobs


@pytest.mark.parametrize("state", [None, "waiting", "running", "succeeded", "dead"])
def test_filters_by_queue_task_and_time(session: Session, clock: Clock, state: str | None) -> None:
    before = session.enqueue("bulk", task="sweep")
    clock.advance(hours=1)
    moment = clock.now()
    wanted = session.enqueue("bulk", task="sweep")
    others = [session.enqueue("bulk"), session.enqueue(task="sweep")]
    held = [] if state in (None, "waiting") else session.claim("bulk", "mail", max_jobs=10)
    if state in ("succeeded", "dead"):
        session.finish(held, state)

    filters = {"in_state": state, "in_queue": "bulk", "of_task": "sweep"}

    assert listed(session, **filters, enqueued_since=moment) == [wanted]
    assert listed(session, **filters, enqueued_before=moment) == [before]
    assert set(listed(session, **filters)) == {before, wanted}
    assert set(listed(session, in_state=state, in_queue="bulk")) == {before, wanted, others[0]}


def test_a_job_put_back_is_listed_once(session: Session) -> None:
    job = session.enqueue(max_attempts=1)
    session.finish(session.claim(), "failed")
    session.call("redrive", jobs=[job])

    assert listed(session) == listed(session, in_state="waiting") == [job]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"in_state": "asleep"}, "there is no state 'asleep'"),
        ({"max_jobs": 0}, "a page of 0 jobs"),
        ({"max_jobs": 1001}, "a page of 1001 jobs"),
        ({"max_looked": 0}, "out of 0 is out of bounds"),
        ({"after": "here"}, "'here' is not where a page of such jobs ended"),
        ({"after": "99999999999999999999"}, "is not where a page of such jobs ended"),
        ({"after": "17", "in_state": "waiting"}, "'17' is not where a page of such jobs ended"),
        ({"after": "5 someday 17 mail", "in_state": "scheduled"}, "is not where a page of such jobs ended"),
    ],
)
def test_what_is_out_of_bounds_is_refused(session: Session, values: dict[str, Any], words: str) -> None:
    with pytest.raises(psycopg.Error, match=words) as refused:
        session.call("list_jobs", **values)

    assert refused.value.sqlstate == "PQ002"


def test_a_session_of_any_style_goes_on_where_it_ended(session: Session, clock: Clock) -> None:
    jobs = [session.enqueue(delay=dt.timedelta(hours=hours)) for hours in (1, 2)]
    session.run("set datestyle = 'SQL, DMY'")
    session.run("set timezone = 'Asia/Kolkata'")
    page = "select id, next_page from pgqueue.list_jobs(in_state => 'scheduled', max_jobs => 1, after => %s)"

    first = session.run(page, None)
    second = session.run(page, first[1].next_page)

    assert [first[0].id, second[0].id] == jobs


@pytest.mark.parametrize("moment", ["0001-01-01 BC", "9999-12-31", "-infinity", "infinity"])
def test_moments_of_which_no_id_could_tell(session: Session, moment: str) -> None:
    job = session.enqueue()
    is_past = moment in ("0001-01-01 BC", "-infinity")

    assert listed(session, enqueued_since=moment) == ([job] if is_past else [])
    assert listed(session, enqueued_before=moment) == ([] if is_past else [job])
