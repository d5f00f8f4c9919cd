"""Tests that a dead letter tells the whole story, is found, and can be deleted for good."""

import datetime as dt
import json
import os

import psycopg
import pytest

from tests.sql.session import Clock, Session


def die(session: Session, error: str = "ValueError", queue: str = "mail", task: str = "send") -> int:
    """A job dead at its first attempt."""
    job = session.enqueue(queue=queue, task=task)
    session.finish(session.claim(queue), "dead", errors=[json.dumps({"type": error})])
    return job


def listed(session: Session, **filters: object) -> list[int]:
    """The ids of the letters that fit, in their order."""
    return [row.job_id for row in session.call("list_dead", **filters)]


def test_a_letter_tells_the_whole_story(session: Session, clock: Clock) -> None:
    job = session.enqueue(payload='{"a": 1}', headers='{"b": 2}', priority=1, max_attempts=2, timeout="5 s")
    session.finish(session.claim(worker=7), "failed", errors=['{"type": "First"}'], run_seconds=[0.25])
    clock.advance(seconds=5)
    session.finish(session.claim(worker=8), "failed", errors=['{"type": "Second"}'])

    letter = session.call("list_dead")[0]

    assert (letter.job_id, letter.died_at, letter.attempt, letter.max_attempts) == (job, clock.now(), 2, 2)
    assert (letter.queue, letter.task, letter.payload, letter.headers) == ("mail", "send", {"a": 1}, {"b": 2})
    assert (letter.priority, letter.timeout, letter.error) == (1, dt.timedelta(seconds=5), {"type": "Second"})
    told = [(one["attempt"], one["state"], one["worker"], one["error"]["type"]) for one in letter.history]
    assert told == [(1, "failed", "7", "First"), (2, "dead", "8", "Second")]
    assert letter.history[0]["run_seconds"] == 0.25


def test_a_batch_of_deaths_writes_a_letter_each(session: Session) -> None:
    jobs = session.enqueue_many(50)

    session.finish(session.claim(max_jobs=50), "dead")

    assert sorted(listed(session)) == sorted(jobs)


def test_the_newest_death_comes_first(session: Session, clock: Clock) -> None:
    jobs = []
    for _ in range(3):
        jobs.append(die(session))
        clock.advance(seconds=1)

    assert listed(session) == jobs[::-1]


def test_every_filter_narrows(session: Session, clock: Clock) -> None:
    first = die(session, queue="a", task="x", error="KeyError")
    clock.advance(minutes=1)
    second = die(session, queue="b", task="x", error="ValueError")

    assert listed(session, queue="a") == [first]
    assert listed(session, task="x") == [second, first]
    assert listed(session, error_type="ValueError") == [second]
    assert listed(session, died_since=clock.now()) == [second]
    assert listed(session, died_before=clock.now()) == [first]
    assert listed(session, queue="a", error_type="ValueError") == []


def test_of_a_brief_letter_the_large_parts_are_not_read(session: Session) -> None:
    large = json.dumps({"x": [os.urandom(16).hex() for _ in range(10_000)]})
    session.enqueue(payload=large, headers='{"b": 2}')
    session.finish(session.claim(), "dead", errors=['{"type": "ValueError"}'])

    (whole,), (brief,) = session.call("list_dead"), session.call("list_dead", brief=True)

    assert brief == whole._replace(payload={}, headers=None, history=[])
    assert pages_read(session, brief=True) < pages_read(session, brief=False) - 30


def pages_read(session: Session, *, brief: bool) -> int:
    """How many pages it takes to answer with the letters there are."""
    rows = f"select max(length(told::text)) from pgqueue.list_dead(brief => {brief}) as told"
    plan = session.value(f"explain (analyze, buffers, format json) {rows}")[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


MANY_OTHERS = """
    insert into pgqueue.dead_letters
    select other.*
    from pgqueue.dead_letters as letter
    cross join generate_series(1, 5000) as number
    cross join jsonb_build_object(
        'job_id', letter.job_id + number,
        'task', 'usual', 'queue', 'usual', 'error', '{"type": "usual"}'::jsonb
    ) as change
    cross join jsonb_populate_record(letter, change) as other
"""


@pytest.mark.parametrize("name", ["task", "queue", "error_type"])
def test_a_rare_letter_is_found_without_reading_the_others(session: Session, name: str) -> None:
    rare = die(session, queue="rare", task="rare", error="rare")
    session.run(MANY_OTHERS)

    (row,) = session.call("list_dead", **{name: "rare"})
    plan = session.value(
        f"explain (analyze, buffers, format json) select pgqueue.list_dead({name} => 'rare')"
    )

    touched = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    assert row.job_id == rare
    assert touched < session.value("select pg_relation_size('pgqueue.dead_letters') / 8192") / 4


def test_pages_are_turned_by_the_last_letter_seen(session: Session, clock: Clock) -> None:
    for _ in range(5):
        die(session)  # all at the same moment
    clock.advance(seconds=1)
    die(session)
    found, page = [], session.call("list_dead", max_letters=2)

    while page:
        found += [row.job_id for row in page]
        last = page[-1]
        page = session.call("list_dead", max_letters=2, died_before=last.died_at, before_job=last.job_id)

    assert found == listed(session)
    assert len(set(found)) == 6


def test_a_purged_letter_is_gone_for_good(session: Session) -> None:
    job = die(session)

    assert [row[0] for row in session.call("purge", jobs=[job, 1])] == [job]

    assert listed(session) == []
    assert session.state(job) == "purged"
    assert session.call("redrive", jobs=[job]) == []
    assert session.call("purge", jobs=[job]) == []


@pytest.mark.parametrize("jobs", [[], None, [None]])
def test_purging_nothing_is_no_error(session: Session, jobs: list[int] | None) -> None:
    job = die(session)

    assert session.call("purge", jobs=jobs) == []
    assert listed(session) == [job]


def test_a_purge_beside_a_redrive_loses_nothing(session: Session, other: Session) -> None:
    job = die(session)

    with session.transaction():
        session.call("redrive", jobs=[job])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.call("purge", jobs=[job])

    assert other.call("purge", jobs=[job]) == []
    assert session.state(job) == "waiting"


def test_a_letter_outlives_the_body_and_the_history(session: Session) -> None:
    job = die(session)
    session.run("truncate pgqueue.jobs, pgqueue.outcomes")

    found = session.get(job)

    assert (found.state, found.task, found.history[0]["state"]) == ("dead", "send", "dead")
    assert found.error == {"type": "ValueError"}
