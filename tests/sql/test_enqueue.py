"""Tests that a job is written whole, where it belongs, or not at all."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.sql.session import Clock, Session

LIMIT_BYTES = 1048576


def test_a_job_waits_with_its_defaults(session: Session) -> None:
    job = session.enqueue(payload='{"a": 1}')

    found = session.get(job)
    assert (found.state, found.queue, found.task, found.payload) == ("waiting", "mail", "send", {"a": 1})
    assert (found.priority, found.attempt, found.max_attempts, found.headers) == (5, 0, 5, None)
    assert found.history == []


def test_a_job_needs_no_payload(session: Session) -> None:
    job = session.enqueue()

    assert session.claim()[0].payload == "{}"
    assert session.get(job).payload == {}


def test_every_option_arrives(session: Session, clock: Clock) -> None:
    later = clock.now() + dt.timedelta(minutes=3)
    session.enqueue(
        queue="reports", task="build", payload='{"ä": "%s"}', priority=0, max_attempts=7, run_at=later,
        timeout="90 seconds", headers='{"trace": "1"}', keep_result=True,
    )  # fmt: skip
    clock.advance(minutes=3)

    held = session.claim("reports")[0]

    assert (held.queue, held.task, held.priority, held.attempt) == ("reports", "build", 0, 1)
    assert (held.last_attempt, held.visible_at, held.timeout) == (7, later, dt.timedelta(seconds=90))
    assert (json.loads(held.payload), json.loads(held.headers)) == ({"ä": "%s"}, {"trace": "1"})
    assert held.keep_result is True


def test_a_delay_is_counted_from_now(session: Session, clock: Clock) -> None:
    job = session.enqueue(delay="10 seconds")

    assert session.state(job) == "scheduled"
    assert session.get(job).run_at == clock.now() + dt.timedelta(seconds=10)
    assert session.claim() == []

    clock.advance(seconds=10)
    assert session.state(job) == "waiting"
    assert [row.job for row in session.claim()] == [job]


def test_run_at_wins_over_delay(session: Session, clock: Clock) -> None:
    moment = clock.now() + dt.timedelta(hours=1)

    job = session.enqueue(run_at=moment, delay="5 hours")

    assert session.get(job).run_at == moment


@pytest.mark.parametrize("option", [{"delay": "-1 hour"}, {"run_at": "2020-01-01 00:00:00+00"}])
def test_a_moment_passed_means_now(session: Session, clock: Clock, option: dict[str, str]) -> None:
    early = session.enqueue(**option)
    session.enqueue()

    held = session.claim()[0]

    assert (held.job, held.visible_at) == (early, clock.now())


def test_ids_carry_their_moment_in_order(session: Session, clock: Clock) -> None:
    first = session.enqueue()
    clock.advance(seconds=1)
    second = session.enqueue()

    moments = session.run(
        "select pgqueue.moment_of(id) as moment from unnest(%s::bigint[]) as id", [first, second]
    )
    assert first < second
    assert (moments[1].moment - moments[0].moment) == dt.timedelta(seconds=1)
    assert abs(moments[1].moment - clock.now()) <= dt.timedelta(milliseconds=1)


OUT_OF_BOUNDS: list[tuple[dict[str, Any], str]] = [
    ({"queue": ""}, "queue '' is not"),
    ({"queue": None}, "queue NULL is not"),
    ({"queue": "q" * 64}, "1 to 63 characters"),
    ({"task": ""}, "task '' is not"),
    ({"task": None}, "task NULL is not"),
    ({"task": "t" * 256}, "1 to 255 characters"),
    ({"priority": -1}, "priority -1 is not"),
    ({"priority": 10}, "priority 10 is not"),
    ({"priority": 2147483647}, "priority 2147483647 is not"),
    ({"priority": None}, "priority null is not"),
    ({"max_attempts": 0}, "max_attempts 0 is not"),
    ({"max_attempts": -5}, "max_attempts -5 is not"),
    ({"max_attempts": 30001}, "max_attempts 30001 is not"),
    ({"max_attempts": 2147483647}, "max_attempts 2147483647 is not"),
    ({"max_attempts": None}, "max_attempts null is not"),
    ({"timeout": "0"}, "timeout 00:00:00 is not"),
    ({"timeout": "-1 second"}, "timeout -00:00:01 is not"),
    ({"payload": None}, "payload is null"),
    ({"payload": "null"}, "payload is null"),
    ({"payload": "[1]"}, "payload is array"),
    ({"payload": '"text"'}, "payload is string"),
    ({"headers": "[]"}, "headers are array"),
    ({"headers": "null"}, "headers are null"),
    ({"queue": "", "priority": 11}, "queue .*; priority 11"),
]


@pytest.mark.parametrize("many", [False, True])
def test_what_is_out_of_bounds_is_named_and_not_written(session: Session, many: bool) -> None:
    before = session.everything()

    for options, told in OUT_OF_BOUNDS:
        with pytest.raises(psycopg.Error, match=told) as refusal:
            session.call("enqueue_many", **spread(options)) if many else session.enqueue(**options)
        assert refusal.value.sqlstate == "PQ002", options

    assert session.everything() == before


def spread(options: dict[str, Any]) -> dict[str, list[Any]]:
    """The options of one bad job after a good one, as enqueue_many takes them."""
    good = {"queue": "mail", "task": "send", "payload": "{}"}
    good |= {name: value for name, value in GOOD.items() if name in options}
    bad = good | options
    return {PLURALS[name]: [good[name], bad[name]] for name in bad}


GOOD: dict[str, Any] = {"priority": 5, "max_attempts": 5, "timeout": None, "headers": None}
PLURALS = {
    "queue": "queues",
    "task": "tasks",
    "payload": "payloads",
    "priority": "priorities",
    "max_attempts": "max_attempts",
    "timeout": "timeouts",
    "headers": "headers",
}


def test_a_moment_no_calendar_holds_is_refused(session: Session) -> None:
    before = session.everything()

    with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
        session.enqueue(delay="300000 years")

    assert session.everything() == before


def test_a_payload_over_the_limit_is_refused_with_its_size(session: Session) -> None:
    with pytest.raises(
        psycopg.Error, match=r"payload of task send is \d+ bytes, the limit is 1048576"
    ) as refusal:
        session.enqueue(payload=json.dumps({"text": "x" * LIMIT_BYTES}))

    assert refusal.value.sqlstate == "PQ003"
    assert session.count("jobs") == 0


def test_the_limit_is_a_setting(session: Session) -> None:
    session.run("update pgqueue.installation set payload_limit_bytes = 100")

    with pytest.raises(psycopg.Error, match="the limit is 100") as refusal:
        session.enqueue_many(1, payloads=[json.dumps({"text": "x" * 200})])

    assert refusal.value.sqlstate == "PQ003"


def test_another_installation_is_refused(session: Session) -> None:
    with pytest.raises(psycopg.Error, match="leads to installation") as refusal:
        session.enqueue(installation=uuid4())

    assert refusal.value.sqlstate == "PQ004"
    assert session.count("jobs") == 0


def test_the_own_installation_is_welcome(session: Session) -> None:
    here = session.call("installation_id")[0][0]

    session.enqueue(installation=here)
    session.enqueue_many(2, installation=here)

    assert session.count("waiting") == 3


def test_a_rolled_back_job_never_was(session: Session) -> None:
    with session.transaction():
        job = session.enqueue()
        raise psycopg.Rollback

    assert session.get(job) is None
    assert session.claim() == []


def test_a_job_is_nobodys_until_its_commit(session: Session, other: Session) -> None:
    with session.transaction():
        job = session.enqueue()
        assert other.claim() == []
        assert other.get(job) is None

    assert [row.job for row in other.claim()] == [job]


def test_many_jobs_come_back_in_order(session: Session) -> None:
    jobs = session.enqueue_many(1000)

    bodies = session.run(
        "select (payload ->> 'number')::integer as number"
        " from unnest(%s::bigint[]) with ordinality as told (id, place)"
        " join pgqueue.bodies using (id) order by place",
        jobs,
    )
    assert len(set(jobs)) == 1000
    assert [body.number for body in bodies] == list(range(1000))
    assert session.count("waiting") == 1000


def test_many_jobs_may_all_differ(session: Session, clock: Clock) -> None:
    jobs = session.enqueue_many(
        3, queues=["a", "b", "a"], tasks=["x", "y", "z"], priorities=[1, 2, 3], max_attempts=[1, 2, 3],
        delays=[None, "1 hour", "1 minute"], run_ats=[None, None, None], timeouts=["1 s", None, "3 s"],
        headers=["{}", None, '{"a": 1}'], keep_results=[True, False, True],
    )  # fmt: skip

    found = [session.get(job) for job in jobs]
    assert [(one.queue, one.task, one.priority, one.max_attempts) for one in found] == [
        ("a", "x", 1, 1), ("b", "y", 2, 2), ("a", "z", 3, 3),
    ]  # fmt: skip
    assert [one.state for one in found] == ["waiting", "scheduled", "scheduled"]
    assert [one.headers for one in found] == [{}, None, {"a": 1}]
    assert [row.name for row in session.run("select name from pgqueue.queues order by name")] == ["a", "b"]


def test_no_jobs_at_all_are_no_error(session: Session) -> None:
    assert session.enqueue_many(0, queues=[], tasks=[]) == []
    assert session.count("jobs") == 0


WRONG_LENGTHS: list[dict[str, Any]] = [
    {"queues": ["a", "b"]},
    {"queues": []},
    {"queues": None},
    {"tasks": ["a"] * 4},
    {"priorities": [1, 2]},
    {"priorities": []},
    {"priorities": None},
    {"max_attempts": [1, 2]},
    {"run_ats": [None, None]},
    {"delays": []},
    {"timeouts": [None] * 5},
    {"headers": [None, None]},
    {"keep_results": [True, False]},
]


def test_arrays_of_another_length_are_refused(session: Session) -> None:
    before = session.everything()

    for option in WRONG_LENGTHS:
        told = f"{next(iter(option))} has (no|\\d) values for 3 payloads"
        with pytest.raises(psycopg.Error, match=told) as refusal:
            session.enqueue_many(3, **option)
        assert refusal.value.sqlstate == "PQ002", option

    assert session.everything() == before


def test_many_jobs_are_written_all_or_none(session: Session) -> None:
    with pytest.raises(psycopg.Error, match="priority 99"):
        session.enqueue_many(500, priorities=[5] * 499 + [99])

    assert (session.count("jobs"), session.count("waiting")) == (0, 0)


def test_a_name_with_quotes_and_percent_signs_stays_as_it_is(session: Session) -> None:
    queue = """it's "100%" \\ ok"""

    session.enqueue(queue=queue)

    assert session.claim(queue)[0].queue == queue


def test_a_moment_without_end_is_refused(session: Session) -> None:
    before = session.everything()

    for moment in ("infinity", "-infinity"):
        with pytest.raises(psycopg.Error) as refusal:
            session.enqueue(run_at=moment)
        assert refusal.value.sqlstate == "PQ002"
        with pytest.raises(psycopg.Error) as refusal:
            session.enqueue_many(2, run_ats=[None, moment])
        assert refusal.value.sqlstate == "PQ002"

    assert session.everything() == before


def test_no_array_of_payloads_writes_nothing(session: Session) -> None:
    session.call("enqueue_many", queues=["mail"], tasks=["send"], payloads=None)

    assert (session.count("jobs"), session.count("waiting")) == (0, 0)
