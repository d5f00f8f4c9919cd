"""Tests of what is told where jobs share rows: lists, states, numbers."""

import datetime as dt
import json

import pytest

from tests.sql.bundles import FEW, ids_of, pages
from tests.sql.session import Clock, Session


@pytest.mark.parametrize("size", [1, 3, 7, 64, 100])
@pytest.mark.parametrize(
    "state", [None, "waiting", "scheduled", "running", "succeeded", "cancelled", "dead", "purged"]
)
def test_pages_that_end_in_the_middle_of_a_bundle_lose_and_double_no_job(
    session: Session, clock: Clock, state: str | None, size: int
) -> None:
    there = fill(session, clock)
    expected = sorted(job for jobs in there.values() for job in jobs) if state is None else there[state]

    found = pages(session, size, in_state=state)

    assert sorted(found) == sorted(expected)
    assert found == sorted(found, reverse=state not in ("waiting", "scheduled"))
    for filters in ({"in_queue": "mail"}, {"of_task": "send"}):
        assert pages(session, size, in_state=state, **filters) == found


def fill(session: Session, clock: Clock) -> dict[str, list[int]]:
    """Jobs in every state, bundles cut in every way."""
    there: dict[str, list[int]] = {}
    ended = session.enqueue_many(24, max_attempts=[1])
    clock.advance(milliseconds=1)
    session.finish(session.claim(max_jobs=5))
    held = session.claim(max_jobs=12)
    states = ["succeeded", "dead", "dead", "cancelled"] * 3
    session.finish(held, *states)
    session.finish(session.claim(max_jobs=7))
    dead = [row.job for row, state in zip(held, states, strict=True) if state == "dead"]
    there["purged"], there["dead"] = dead[1:3], [dead[0], *dead[3:]]
    session.call("purge", jobs=there["purged"])
    there["cancelled"] = [row.job for row, state in zip(held, states, strict=True) if state == "cancelled"]
    there["succeeded"] = [job for job in ended if job not in (*dead, *there["cancelled"])]
    running = session.enqueue_many(20)
    clock.advance(milliseconds=1)
    there["running"] = ids_of(session.claim(max_jobs=9) + session.claim(max_jobs=11))
    assert there["running"] == running
    waiting_jobs = session.enqueue_many(70)
    clock.advance(milliseconds=1)
    there["running"] += ids_of(session.claim(max_jobs=2))
    session.call("cancel", job=waiting_jobs[30])
    there["cancelled"].append(waiting_jobs[30])
    there["waiting"] = [job for job in waiting_jobs[2:] if job != waiting_jobs[30]]
    there["scheduled"] = session.enqueue_many(70, delays=["1 hour"])
    return there


def test_the_view_of_all_states_tells_what_is_told_of_each_job(session: Session, clock: Clock) -> None:
    there = fill(session, clock)
    session.run("set jit = off")

    told = {row.id: row for row in session.run("select * from pgqueue.job_states")}

    for state, jobs in there.items():
        assert {told[job].state for job in jobs} == {state}
        assert list(session.call("states_of", jobs=jobs)) == [told[job] for job in jobs]


def test_a_list_since_and_before_moments_cuts_no_bundle(session: Session, clock: Clock) -> None:
    session.enqueue_many(FEW)
    clock.advance(seconds=1)
    since, before = clock.now(), clock.now() + dt.timedelta(seconds=1)
    jobs = session.enqueue_many(FEW)
    clock.advance(seconds=1)
    session.enqueue_many(FEW)

    for state in (None, "waiting"):
        found = pages(session, 3, in_state=state, enqueued_since=since, enqueued_before=before)
        assert sorted(found) == jobs


def test_stats_count_jobs_exactly(session: Session, clock: Clock) -> None:
    fill(session, clock)
    session.enqueue_many(500, queues=["other"], priorities=[2])
    session.claim("other", max_jobs=123)

    stats = {row.queue: row for row in session.call("queue_stats")}

    mail, other = stats["mail"], stats["other"]
    assert (mail.waiting[5], mail.scheduled, mail.running, mail.dead) == (68, 70, 22, 4)
    assert (other.waiting[2], sum(other.waiting), other.running) == (377, 377, 123)
    assert mail.estimated == other.estimated == []
    assert other.oldest is not None


def test_a_row_is_told_to_hold_as_many_jobs_as_it_does(session: Session) -> None:
    assert {row.density for row in session.call("relation_stats")} == {1.0}
    session.enqueue_many(128)
    session.enqueue()
    session.enqueue()
    session.finish(session.claim(max_jobs=64), *["succeeded"] * 64)

    density = {row.relation: row.density for row in session.call("relation_stats")}

    assert (density["jobs"], density["outcomes"], density["ready"]) == (32.5, 64.0, 1.0)


def test_the_workers_are_told_how_many_jobs_they_hold(session: Session) -> None:
    session.enqueue_many(100)
    session.claim(max_jobs=70, worker=7)
    session.run(
        "insert into pgqueue.workers (id, started_at, server_started_at, process_id, host, queues, version)"
        " values (7, now(), now(), 1, 'h', '{mail}', '1')"
    )

    (worker,) = session.call("worker_stats")

    assert (worker.claims, worker.jobs) == (1, 70)


def test_activity_counts_jobs_not_rows(session: Session) -> None:
    session.enqueue_many(100, max_attempts=[1])
    held = session.claim(max_jobs=60, worker=7)
    session.finish(held, run_seconds=[2.0])
    session.finish(session.claim(max_jobs=40, worker=7), *["failed"] * 3, *["succeeded"] * 37)

    total = next(row for row in session.call("activity") if row.is_total)

    assert (total.succeeded, total.dead) == (97, 3)
    assert total.run_mean == 2.0
    assert total.enqueued_rate == pytest.approx(10.0)
    assert len(session.call("last_ends", max_ends=500)) == 100


def test_what_a_job_says_of_itself_is_not_said_of_its_neighbours(session: Session) -> None:
    jobs = session.enqueue_many(3)
    session.claim(max_jobs=3)

    session.call("report_progress", jobs=[jobs[1]], attempts=[1], fractions=[0.5], notes=["half"])

    assert [(session.get(job).fraction, session.get(job).note) for job in jobs] == [
        (None, None),
        (0.5, "half"),
        (None, None),
    ]


def test_the_next_due_moment_is_told_of_a_bundle(session: Session, clock: Clock) -> None:
    session.enqueue_many(FEW, delays=["10 s"])

    assert session.call("next_due", queues=["mail"])[0][0] == dt.timedelta(seconds=10)


def test_one_look_at_big_bodies_does_not_read_them(session: Session) -> None:
    """A list, a state, the activity: none needs what a payload says."""
    text = session.value("select string_agg(md5(number::text), '') from generate_series(1, 6000) as number")
    jobs = session.enqueue_many(20, payloads=[json.dumps({"text": text})] * 20)
    calls = {
        "list_jobs": "select * from pgqueue.list_jobs()",
        "activity": "select * from pgqueue.activity()",
        "states_of": f"select * from pgqueue.states_of(array{jobs})",
        "has_body": f"select pgqueue.has_body(job) from unnest(array{jobs}) as job",
    }

    read = {name: buffers(session, statement) for name, statement in calls.items()}

    assert {name: count for name, count in read.items() if count > 20 * 24} == {}, read


def buffers(session: Session, statement: str) -> int:
    """How many pages a statement touches, once it is known."""
    session.run(statement)
    rows = session.run(f"explain (analyze, buffers, timing off, format json) {statement}")
    plan = rows[0][0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
