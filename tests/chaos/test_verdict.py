"""Tests of the judge: each promise is broken once, and it is seen."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.chaos.executions import Execution
from tests.chaos.facts import Facts, Outcome
from tests.chaos.ledger import Entry, Fate
from tests.chaos.verdict import (
    DEAD,
    EFFECTS,
    ENDING,
    INVARIANTS,
    LEFT,
    LETTERS,
    LOST,
    ROLLED_BACK,
    TOGETHER,
    TWICE,
    judge,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
KEY, JOB = 1, 1000


def entry(kind: str = "plain", fate: Fate = "committed") -> Entry:
    return Entry(KEY, kind, fate, JOB)


def outcome(state: str = "succeeded", *, attempt: int = 1, is_final: bool = True) -> Outcome:
    finished_at = NOON + timedelta(seconds=attempt)
    return Outcome(JOB, attempt, attempt, state, is_final, 7, NOON, finished_at, None)


def ran() -> dict[int, list[Execution]]:
    return {KEY: [Execution(what, KEY, JOB, 1, 1, 42, 1.0) for what in ("began", "ended")]}


def facts(*outcomes: Outcome) -> Facts:
    return Facts(bodies={KEY: [JOB]}, outcomes={JOB: list(outcomes)})


def promises(entries: list[Entry], executions: dict[int, list[Execution]], found: Facts) -> list[str]:
    return [breach.promise for breach in judge(entries, executions, found)]


def test_a_job_that_ran_and_succeeded_breaks_nothing() -> None:
    assert promises([entry()], ran(), facts(outcome())) == []


def test_a_committed_job_without_a_body_is_lost() -> None:
    assert promises([entry()], {}, Facts()) == [LOST]


def test_a_job_that_never_ended_is_lost_even_if_it_failed_once() -> None:
    assert promises([entry()], ran(), facts(outcome("failed", is_final=False))) == [LOST]


def test_a_job_of_unknown_fate_may_be_absent_but_once_there_it_has_to_end() -> None:
    assert promises([entry(fate="unknown")], {}, Facts()) == []
    assert promises([entry(fate="unknown")], {}, facts()) == [LOST]


def test_a_rolled_back_job_may_neither_be_there_nor_run() -> None:
    assert promises([entry(fate="rolled back")], {}, Facts()) == []
    assert promises([entry(fate="rolled back")], ran(), Facts()) == [ROLLED_BACK]
    assert promises([entry(fate="rolled back")], {}, facts(outcome())) == [ROLLED_BACK]


def test_a_job_nobody_enqueued_may_not_run() -> None:
    assert promises([], ran(), Facts()) == [ROLLED_BACK]


def test_a_job_that_is_there_twice_was_doubled() -> None:
    doubled = Facts(bodies={KEY: [JOB, JOB + 1]}, outcomes={JOB: [outcome()], JOB + 1: [outcome()]})

    assert promises([entry()], ran(), doubled) == [TWICE]


def test_a_second_end_needs_a_redrive() -> None:
    ended_twice = facts(outcome("dead", attempt=2), outcome("dead", attempt=4))
    ended_twice.letters = frozenset({JOB})

    assert promises([entry("doomed")], ran(), ended_twice) == [TWICE]
    ended_twice.redrives = Counter({JOB: 1})
    assert promises([entry("doomed")], ran(), ended_twice) == []


def test_only_jobs_that_fail_die_and_not_before_their_attempts_are_spent() -> None:
    dead = facts(outcome("dead", attempt=2))
    dead.letters = frozenset({JOB})
    early = facts(outcome("dead", attempt=1))
    early.letters = frozenset({JOB})

    assert promises([entry("doomed")], ran(), dead) == []
    assert promises([entry("doomed")], ran(), early) == [DEAD]
    assert DEAD in promises([entry("plain")], ran(), dead)


def test_a_dead_job_has_a_letter_unless_somebody_purged_it() -> None:
    purged = entry("doomed")
    purged.is_purge_asked = True

    assert promises([entry("doomed")], ran(), facts(outcome("dead", attempt=2))) == [LETTERS]
    assert promises([purged], ran(), facts(outcome("dead", attempt=2))) == []


def test_a_cancelled_job_was_asked_to_be() -> None:
    asked = entry()
    asked.is_cancel_asked = True

    assert promises([entry()], {}, facts(outcome("cancelled"))) == [ENDING]
    assert promises([asked], {}, facts(outcome("cancelled"))) == []


def test_no_job_succeeds_without_having_run() -> None:
    assert promises([entry()], {}, facts(outcome())) == [ENDING]


def test_an_effect_is_there_once_and_only_with_its_success() -> None:
    effects = {count: facts(outcome()) for count in (0, 1, 2)}
    for count, found in effects.items():
        found.effects = Counter({KEY: count})
    cancelled = facts(outcome("cancelled"))
    cancelled.effects = Counter({KEY: 1})
    asked = entry("effect")
    asked.is_cancel_asked = True

    assert promises([entry("effect")], ran(), effects[0]) == [EFFECTS]
    assert promises([entry("effect")], ran(), effects[1]) == []
    assert promises([entry("effect")], ran(), effects[2]) == [EFFECTS]
    assert promises([asked], ran(), cancelled) == [EFFECTS]


def test_a_child_is_there_if_and_only_if_its_parent_finished() -> None:
    alone = facts(outcome())
    alone.effects = Counter({KEY: 1})
    childless = entry("parent")

    assert promises([childless], ran(), alone) == [LOST]


def test_rows_of_the_application_and_its_jobs_go_together() -> None:
    ordered = entry()
    ordered.has_order = True

    assert promises([ordered], ran(), facts(outcome())) == [TOGETHER]


def test_what_the_database_finds_is_told() -> None:
    found = Facts(breaches=[("a job waits once, or is held once", JOB)], leftovers=[("a claim", "7")])

    assert promises([], {}, found) == [INVARIANTS, LEFT]
