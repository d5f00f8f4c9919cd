"""Drives random interleavings on two connections against a small model of what a queue promises.

After every step: no job is lost, none is in two states, none is tried more often than it may be, and
its history is whole. `HYPOTHESIS_PROFILE=thorough` looks for longer.
"""

import datetime as dt
import json
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Server
from tests.sql.database import Database, outcome
from tests.sql.model import Job, agree
from tests.sql.session import Row, Session

T = TypeVar("T")

EXAMPLES = 600 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 80
STEPS = 50
LEASE = dt.timedelta(seconds=30)
DEEDS = (
    *["enqueue"] * 2,
    *["claim"] * 5,
    *["move"] * 2,
    *["finish"] * 4,
    *["complete"] * 2,
    *["complete_beside"] * 2,
    *["reap_after"] * 2,
    *["redrive"] * 2,
    "finish_all",
    "finish_what_is_lost",
    "complete_what_is_lost",
    "pass_time",
    "extend",
    *["cancel"] * 2,
    "redrive_what_is_not_dead",
)
# What every run must have done, far below what it does: a machine that seldom gets anywhere proves nothing.
OFTEN = {
    "claimed": 400,
    "claimed many": 100,
    "claim rolled back": 60,
    "finished": 100,
    "finish refused": 15,
    "completed": 50,
    "complete refused": 30,
    "completed beside": 40,
    "expired": 60,
    "cancelled waiting": 2,
    "died": 60,
    "redriven": 25,
    "extended": 15,
    "moved": 60,
}


class Chance(NamedTuple):
    """What chance decides of a step: which of those there are, on which connection, and whether it lasts."""

    choice: int
    other: int
    second: bool
    commits: bool

    def of(self, among: Sequence[T]) -> T:
        """One of these."""
        return among[self.choice % len(among)]

    def other_of(self, among: Sequence[T]) -> T:
        """One of these, chosen anew."""
        return among[self.other % len(among)]


CHANCES = st.builds(
    Chance,
    choice=st.integers(0, 999),
    other=st.integers(0, 999),
    second=st.booleans(),
    commits=st.sampled_from([True, True, True, False]),
)


def claimable(count: int, usual: int, suspects: int, *, apart: bool | None) -> int:
    """How many jobs a claim gets: of those in the line apart one, and that alone."""
    if suspects and (apart or (apart is None and not usual)):
        return 1
    return min(count, usual)


class QueueMachine(RuleBasedStateMachine):
    """The queue beside its model. One rule: of many, hypothesis leaves out half, and with them the way on."""

    open_database: Callable[[], Database]

    @initialize()
    def begin(self) -> None:
        """An empty queue."""
        self.database = self.open_database()
        self.database.empty()
        self.tally = self.database.tally
        self.model: dict[int, Job] = {}
        self.deliveries: list[Row] = []
        self.completed: set[tuple[int, int]] = set()

    @rule(deed=st.sampled_from(DEEDS), chance=CHANCES)
    def step(self, deed: str, chance: Chance) -> None:
        """One deed; where there is nothing to do it to, more work is got in its stead."""
        if not self.can(deed):
            deed = "claim" if self.jobs("ready") else "enqueue"
        getattr(self, deed)(chance)

    def can(self, deed: str) -> bool:
        """Whether there is something to do this to."""
        needed: dict[str, Sequence[object]] = {
            "enqueue": [] if len(self.jobs("ready")) > 8 else [True],
            "claim": self.jobs("ready"),
            "move": self.jobs("ready"),
            "cancel": self.jobs("ready", "held", "succeeded"),
            "redrive": self.jobs("dead"),
            "redrive_what_is_not_dead": self.jobs("ready", "held", "succeeded", "cancelled"),
            "finish_what_is_lost": self.lost(),
            "complete_what_is_lost": self.lost(),
            "complete_beside": self.held()[1:],
            "pass_time": [True],
        }
        return bool(needed.get(deed, self.held()))

    def pick(self, second: bool) -> Session:
        """One of the two connections."""
        return self.database.sessions[second]

    def held(self) -> list[Row]:
        """The deliveries that are still their worker's."""
        return [row for row in self.deliveries if self.is_held(row)]

    def lost(self) -> list[Row]:
        """The deliveries that are no longer their worker's."""
        return [row for row in self.deliveries if not self.is_held(row)]

    def jobs(self, *places: str) -> list[int]:
        """The jobs in these places."""
        return [job for job, known in self.model.items() if known.place in places]

    def is_held(self, row: Row) -> bool:
        """Whether a delivery is still its worker's."""
        job = self.model[row.job]
        return job.place == "held" and job.claim == row.claim

    def end(self, job: int, state: str) -> None:
        """The attempt under way ended so."""
        self.model[job].end_attempt(state)
        self.tally["died"] += self.model[job].place == "dead"

    def enqueue(self, chance: Chance) -> None:
        """Many at once lie in one bundle, or, where they are big, in several."""
        count, limit = chance.of([1, 2, 3, 5, 12]), chance.other_of([1, 2, 3])
        payloads = [json.dumps({"text": "x" * (1000 * (chance.other % 2))})] * count
        with outcome(self.pick(chance.second), commits=chance.commits):
            found = self.pick(chance.second).enqueue_many(count, max_attempts=[limit], payloads=payloads)
        if chance.commits:
            self.model |= {job: Job(limit, limit) for job in found}

    def claim(self, chance: Chance) -> None:
        count, apart = chance.of([1, 2, 3, 4, 9]), chance.other_of([None, True, False])
        session = self.pick(chance.second)
        suspects = session.value("select count(*) from pgqueue.ready where priority = 10")
        session.run("select setseed(0.5)")  # no look into the line apart by chance: a run can be repeated
        with outcome(session, commits=chance.commits):
            held = session.claim(max_jobs=count, lease=LEASE, apart=apart)
        if not chance.commits:
            self.tally["claim rolled back"] += 1
            return
        waiting = sum(not self.model[job].is_cancelled for job in self.jobs("ready"))
        expected = claimable(count, waiting - suspects, suspects, apart=apart)
        assert len(held) == expected or self.has_cancelled_waiting()
        self.drop_cancelled()
        for row in held:
            self.take(row)
        self.tally["claimed"] += len(held)
        self.tally["claimed many"] += len(held) > 1

    def move(self, chance: Chance) -> None:
        """A waiting job, out of whatever row it shares, to another priority; or to now, where it is."""
        job, session = chance.of(self.jobs("ready")), self.pick(chance.second)
        priority = chance.other % 11
        with outcome(session, commits=chance.commits):
            if priority == 10:
                assert session.call("run_now", jobs=[job]) == []
            else:
                moved = session.call("reprioritise", jobs=[job], priority=priority)
                assert moved == [(job,)] or (moved == [] and self.is_moved_nowhere(job, priority))
                self.tally["moved"] += len(moved)

    def is_moved_nowhere(self, job: int, priority: int) -> bool:
        """Whether it is cancelled, or has that priority already."""
        lines = self.pick(True).run("select priority from pgqueue.waiting where id = %s", job)
        return self.model[job].is_cancelled or [row.priority for row in lines] == [priority]

    def take(self, row: Row) -> None:
        """A job goes from ready to held."""
        job = self.model[row.job]
        assert job.place == "ready"
        assert not job.is_cancelled
        job.place, job.claim, job.attempt = "held", row.claim, job.attempt + 1
        assert row.attempt == job.attempt <= job.limit
        self.deliveries.append(row)

    def has_cancelled_waiting(self) -> bool:
        """Whether a claim may come back with fewer than it could, for cancelled jobs filled its batch."""
        return any(self.model[job].is_cancelled for job in self.jobs("ready"))

    def drop_cancelled(self) -> None:
        """The cancelled jobs a claim met have ended."""
        for job in self.database.cancelled_outcomes():
            known = self.model[job]
            if known.place == "ready" and known.is_cancelled:
                known.attempt += 1
                known.end_attempt("cancelled")
                self.tally["cancelled waiting"] += 1

    def finish(self, chance: Chance) -> None:
        state = chance.other_of(["failed", "failed", "succeeded", "dead", "dead", "cancelled", "returned"])
        row = chance.of(self.held())
        with outcome(self.pick(chance.second), commits=chance.commits):
            lost = self.pick(chance.second).finish([row], state)
        assert lost == []
        self.tally["finished"] += 1
        if chance.commits:
            self.end(row.job, state)

    def finish_what_is_lost(self, chance: Chance) -> None:
        state = chance.other_of(["succeeded", "failed", "dead", "returned"])
        row = chance.of(self.lost())
        lost = self.pick(chance.second).finish([row], state)
        self.tally["finish refused"] += 1
        # A completed job may stay in its claim until the worker next reports: then it is not told as lost.
        assert len(lost) == 1 or (row.claim, row.job) in self.completed

    def finish_all(self, chance: Chance) -> None:
        claim = chance.of(self.held()).claim
        assert self.pick(chance.second).call("finish_all", claims=[claim]) != []
        for row in self.held():
            if row.claim == claim:
                self.end(row.job, "succeeded")

    def complete(self, chance: Chance) -> None:
        row = chance.of(self.held())
        with outcome(self.pick(chance.second), commits=chance.commits):
            self.pick(chance.second).complete(row)
        self.tally["completed"] += 1
        if chance.commits:
            self.end_completed(row)

    def end_completed(self, row: Row) -> None:
        """A job was completed in its caller's transaction."""
        self.completed.add((row.claim, row.job))
        self.end(row.job, "succeeded")

    def complete_what_is_lost(self, chance: Chance) -> None:
        with pytest.raises(psycopg.Error) as refusal:
            self.pick(chance.second).complete(chance.of(self.lost()))
        assert refusal.value.sqlstate == "PQ001"
        self.tally["complete refused"] += 1

    def complete_beside(self, chance: Chance) -> None:
        """While one session's completion is open, the other goes on with another job and with the reaper."""
        row = chance.of(self.held())
        beside = chance.other_of([one for one in self.held() if one is not row])
        state = ("succeeded", "failed", "returned")[chance.other % 3]
        with outcome(self.pick(False), commits=chance.commits):
            self.pick(False).complete(row)
            assert self.pick(True).finish([beside], state) == []
            self.end(beside.job, state)
            self.reap(self.pick(True), but=row.claim)
        self.tally["completed beside"] += 1
        if chance.commits:
            self.end_completed(row)

    def pass_time(self, chance: Chance) -> None:
        self.database.clock.advance(seconds=chance.of([1, 10, 31]))

    def extend(self, chance: Chance) -> None:
        claim = chance.of(self.held()).claim
        rows = self.pick(chance.second).extend(claim, lease=LEASE)
        assert [row.claim for row in rows] == [claim]
        self.tally["extended"] += 1

    def reap_after(self, chance: Chance) -> None:
        self.database.clock.advance(seconds=chance.of([0, 31, 31]))
        self.reap(self.pick(chance.second))

    def reap(self, session: Session, *, but: int | None = None) -> None:
        """What the reaper takes is what ran out, but for a claim of which a completion is open."""
        expired = self.database.expired_claims() - {but}
        session.reap()
        for row in self.held():
            if row.claim in expired:
                self.end(row.job, "expired")
                self.tally["expired"] += 1

    def cancel(self, chance: Chance) -> None:
        among = self.jobs("held") if chance.other % 3 else list(self.model)
        job = chance.of(among or list(self.model))
        self.pick(chance.second).call("cancel", job=job)
        if self.model[job].place in ("ready", "held"):
            self.model[job].is_cancelled = True

    def redrive(self, chance: Chance) -> None:
        job = chance.of(self.jobs("dead"))
        with outcome(self.pick(chance.second), commits=chance.commits):
            assert [row[0] for row in self.pick(chance.second).call("redrive", jobs=[job])] == [job]
        if chance.commits:
            self.tally["redriven although cancelled before"] += self.model[job].is_cancelled
            self.model[job].redrive()
            self.tally["redriven"] += 1

    def redrive_what_is_not_dead(self, chance: Chance) -> None:
        job = chance.of(self.jobs("ready", "held", "succeeded", "cancelled"))
        assert self.pick(chance.second).call("redrive", jobs=[job]) == []

    @invariant()
    def every_job_is_where_it_must_be(self) -> None:
        rows = self.database.jobs()
        assert {row.id for row in rows} == set(self.model)
        for row in rows:
            agree(row, self.model[row.id])


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
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            database.close()

    seldom = {deed: database.tally[deed] for deed, least in OFTEN.items() if database.tally[deed] < least}
    assert seldom == {}
