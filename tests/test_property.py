"""Drives random interleavings on two connections against a small model of what a queue promises.

After every step: no job is lost, none is in two states, none is tried more often than it may be, and
its history is whole. `HYPOTHESIS_PROFILE=thorough` looks for longer.
"""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Server
from tests.sql.session import Clock, Row, Session

EXAMPLES = 400 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 40
LEASE = dt.timedelta(seconds=30)
ENDED = ("succeeded", "cancelled", "dead")
TABLES = "jobs, ready, claims, outcomes, progress, dead_letters, cancellations, redrives, queues"

WHERE_ALL_JOBS_ARE = """
    select
        jobs.id,
        (select count(*) from pgqueue.ready where ready.id = jobs.id) as ready,
        (select max(ready.attempt) from pgqueue.ready where ready.id = jobs.id) as spent,
        (
            select count(*)
            from pgqueue.claims
            cross join lateral unnest(claims.jobs, claims.attempts) as entry (job, attempt)
            where entry.job = jobs.id
                and not exists (
                    select from pgqueue.outcomes
                    where outcomes.job_id = entry.job and outcomes.attempt = entry.attempt
                )
        ) as held,
        (select count(*) from pgqueue.dead_letters where dead_letters.job_id = jobs.id) as dead,
        array(
            select outcomes.state from pgqueue.outcomes where outcomes.job_id = jobs.id order by attempt
        ) as states,
        array(
            select outcomes.attempt::integer from pgqueue.outcomes
            where outcomes.job_id = jobs.id order by attempt
        ) as attempts,
        (select state from pgqueue.job_states where job_states.id = jobs.id) as state
    from pgqueue.jobs
"""


@dataclass
class Job:
    """What the model knows of a job: where it must be, and how its attempts ended."""

    limit: int
    first_limit: int
    place: str = "ready"  # ready, held, succeeded, cancelled or dead
    attempt: int = 0
    claim: int | None = None
    is_cancelled: bool = False
    history: list[str] = field(default_factory=list)

    def end_attempt(self, state: str) -> None:
        """The attempt under way ended so; where the job goes follows from it."""
        if state in ("failed", "expired"):
            if self.is_cancelled:
                state = "cancelled"
            elif self.attempt >= self.limit:
                state = "dead"
        self.claim = None
        if state == "returned":
            self.attempt -= 1
            self.place = "ready"
            return
        self.history.append(state)
        self.place = state if state in ENDED else "ready"

    def redrive(self) -> None:
        """Back with as many attempts as it first had."""
        self.place = "ready"
        self.limit = self.attempt + self.first_limit
        self.is_cancelled = False


class QueueMachine(RuleBasedStateMachine):
    """The queue beside its model. Rules draw from all that was ever claimed: many leases are lost by then."""

    deliveries = Bundle("deliveries")
    jobs = Bundle("jobs")
    open_database: Callable[[], "Database"]

    @initialize()
    def begin(self) -> None:
        """An empty queue."""
        self.database = self.open_database()
        self.database.empty()
        self.model: dict[int, Job] = {}
        self.completed: set[tuple[int, int]] = set()

    def pick(self, second: bool) -> Session:
        """One of the two connections."""
        return self.database.sessions[second]

    @rule(
        target=jobs,
        count=st.integers(1, 4),
        limit=st.integers(1, 3),
        second=st.booleans(),
        commits=st.booleans(),
    )
    def enqueue(self, count: int, limit: int, second: bool, commits: bool) -> Any:
        with outcome(self.pick(second), commits=commits):
            found = self.pick(second).enqueue_many(count, max_attempts=[limit])
        if not commits:
            return multiple()
        self.model |= {job: Job(limit, limit) for job in found}
        return multiple(*found)

    @rule(target=deliveries, count=st.integers(1, 4), second=st.booleans(), commits=st.booleans())
    def claim(self, count: int, second: bool, commits: bool) -> Any:
        with outcome(self.pick(second), commits=commits):
            held = self.pick(second).claim(max_jobs=count, lease=LEASE)
        if not commits:
            return multiple()
        self.drop_cancelled(count - len(held))
        for row in held:
            job = self.model[row.job]
            assert job.place == "ready"
            assert not job.is_cancelled
            job.place, job.claim, job.attempt = "held", row.claim, job.attempt + 1
            assert row.attempt == job.attempt <= job.limit
        return multiple(*held)

    def drop_cancelled(self, missing: int) -> None:
        """A claim ends the cancelled jobs it meets; all that are left, where it could not fill its batch."""
        for job, state in self.database.cancelled_outcomes():
            known = self.model[job]
            if known.place == "ready":
                known.attempt += 1
                known.history.append(state)
                known.place = state

    @rule(
        held=deliveries,
        state=st.sampled_from(["succeeded", "failed", "dead", "cancelled", "returned"]),
        second=st.booleans(),
        commits=st.booleans(),
    )
    def finish(self, held: Row, state: str, second: bool, commits: bool) -> None:
        is_held = self.is_held(held)
        with outcome(self.pick(second), commits=commits):
            lost = self.pick(second).finish([held], state)
        self.check_lost(held, lost, is_held=is_held)
        if is_held and commits:
            self.model[held.job].end_attempt(state)

    @rule(held=deliveries, second=st.booleans())
    def finish_all(self, held: Row, second: bool) -> None:
        self.pick(second).call("finish_all", claims=[held.claim])
        for job in self.model.values():
            if job.claim == held.claim and job.place == "held":
                job.end_attempt("succeeded")

    @rule(held=deliveries, second=st.booleans(), commits=st.booleans())
    def complete(self, held: Row, second: bool, commits: bool) -> None:
        if not self.is_held(held):
            with pytest.raises(psycopg.Error) as refusal:
                self.pick(second).complete(held)
            assert refusal.value.sqlstate == "PQ001"
            return
        with outcome(self.pick(second), commits=commits):
            self.pick(second).complete(held)
        if commits:
            self.completed.add((held.claim, held.job))
            self.model[held.job].end_attempt("succeeded")

    @rule(
        held=deliveries,
        sibling=deliveries,
        state=st.sampled_from(["succeeded", "failed", "returned"]),
        commits=st.booleans(),
    )
    def complete_beside(self, held: Row, sibling: Row, state: str, commits: bool) -> None:
        """While one session's completion is open, the other goes on with another job and with the reaper."""
        if not self.is_held(held) or sibling.job == held.job:
            return
        is_sibling_held = self.is_held(sibling)
        with outcome(self.pick(False), commits=commits):
            self.pick(False).complete(held)
            lost = self.pick(True).finish([sibling], state)
            self.reap(second=True, held_open=held.claim)
        self.check_lost(sibling, lost, is_held=is_sibling_held)
        if is_sibling_held:
            self.model[sibling.job].end_attempt(state)
        if commits:
            self.completed.add((held.claim, held.job))
            self.model[held.job].end_attempt("succeeded")

    @rule(seconds=st.integers(1, 40))
    def expire(self, seconds: int) -> None:
        self.database.clock.advance(seconds=seconds)

    @rule(held=deliveries, second=st.booleans())
    def extend(self, held: Row, second: bool) -> None:
        is_there = any(job.claim == held.claim for job in self.model.values() if job.place == "held")
        rows = self.pick(second).extend(held.claim, lease=LEASE)
        if is_there:
            assert [row.claim for row in rows] == [held.claim]

    @rule(second=st.booleans())
    def reap_all(self, second: bool) -> None:
        self.reap(second=second)

    def reap(self, *, second: bool, held_open: int | None = None) -> None:
        """What the reaper takes is what ran out, but for a claim of which a completion is open."""
        expired = self.database.expired_claims() - {held_open}
        self.pick(second).reap()
        for job in self.model.values():
            if job.place == "held" and job.claim in expired:
                job.end_attempt("expired")

    @rule(job=jobs, second=st.booleans())
    def cancel(self, job: int, second: bool) -> None:
        self.pick(second).call("cancel", job=job)
        if self.model[job].place in ("ready", "held"):
            self.model[job].is_cancelled = True

    @rule(job=jobs, second=st.booleans(), commits=st.booleans())
    def redrive(self, job: int, second: bool, commits: bool) -> None:
        known = self.model[job]
        with outcome(self.pick(second), commits=commits):
            found = self.pick(second).call("redrive", jobs=[job])
        assert [row[0] for row in found] == ([job] if known.place == "dead" else [])
        if found and commits:
            known.redrive()

    @rule(held=consumes(deliveries))
    def forget(self, held: Row) -> None:
        """A worker that never comes back."""

    def check_lost(self, held: Row, lost: list[Row], *, is_held: bool) -> None:
        """Lost is what is no longer held; a completed job may stay in its claim for a while, and is not told."""
        was_completed = (held.claim, held.job) in self.completed
        assert bool(lost) != is_held or was_completed

    def is_held(self, held: Row) -> bool:
        """Whether a delivery is still its worker's."""
        job = self.model[held.job]
        return job.place == "held" and job.claim == held.claim

    @invariant()
    def every_job_is_where_it_must_be(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = self.pick(False).run(WHERE_ALL_JOBS_ARE)
        assert {row.id for row in rows} == set(self.model)
        for row in rows:
            agree(row, self.model[row.id])


def agree(row: Row, job: Job) -> None:
    """What the tables say of a job is what the model says, and it is in one place."""
    places = {"ready": row.ready, "held": row.held, "dead": row.dead}
    assert places == {name: int(job.place == name) for name in places}, (row, job)
    assert row.states == job.history, (row, job)
    assert row.attempts == list(range(1, len(job.history) + 1)), (row, job)
    assert job.attempt <= job.limit, (row, job)
    if job.place == "ready":
        assert row.spent == job.attempt, (row, job)
    shown = {"ready": "cancelled" if job.is_cancelled else "waiting", "held": "running"}
    assert row.state == shown.get(job.place, job.place), (row, job)


@contextmanager
def outcome(session: Session, *, commits: bool) -> Iterator[None]:
    """A transaction that commits, or rolls back."""
    with session.transaction():
        yield
        if not commits:
            raise psycopg.Rollback


class Database:
    """The two connections, and direct looks into the tables."""

    def __init__(self, dsn: str) -> None:
        options = "-c lock_timeout=2s"
        self.sessions = [Session(psycopg.connect(dsn, autocommit=True, options=options)) for _ in range(2)]
        self.clock = Clock(self.sessions[0])

    def empty(self) -> None:
        """Begin anew: one database serves all examples."""
        names = ", ".join(f"pgqueue.{table.strip()}" for table in TABLES.split(","))
        self.sessions[0].run(f"truncate {names}")

    def expired_claims(self) -> set[int | None]:
        """The claims whose time is up."""
        rows = self.sessions[0].run("select id from pgqueue.claims where expires_at < pgqueue.now()")
        return {row.id for row in rows}

    def cancelled_outcomes(self) -> list[tuple[int, str]]:
        """The jobs that ended cancelled."""
        rows = self.sessions[0].run("select job_id, state from pgqueue.outcomes where state = 'cancelled'")
        return [(row.job_id, row.state) for row in rows]

    def close(self) -> None:
        """Close both."""
        for session in self.sessions:
            session.close()


@pytest.mark.slow
def test_no_interleaving_loses_or_doubles_a_job(server: Server) -> None:
    with server.database(server.template()) as dsn:
        database = Database(dsn)
        machine = type("Machine", (QueueMachine,), {"open_database": staticmethod(lambda: database)})

        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=50,
                    deadline=None,
                    database=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            database.close()
