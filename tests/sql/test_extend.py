"""Tests that a lease grows while it is held, and never shrinks."""

import datetime as dt

import psycopg
import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, InBackground, Session


def test_a_lease_is_counted_from_now(session: Session, clock: Clock) -> None:
    session.enqueue()
    held = session.claim(lease="10 s")[0]
    clock.advance(seconds=8)

    rows = session.extend(held.claim, lease=dt.timedelta(seconds=10))

    assert [(row.claim, row.expires_at, row.cancelled) for row in rows] == [
        (held.claim, clock.now() + dt.timedelta(seconds=10), [])
    ]
    clock.advance(seconds=9)
    assert session.reap() == 0


def test_a_lease_never_shrinks(session: Session) -> None:
    session.enqueue()
    held = session.claim(lease="1 hour")[0]

    rows = session.extend(held.claim, lease=dt.timedelta(seconds=1))

    assert rows[0].expires_at == held.expires_at


def test_many_leases_at_once_and_the_lost_are_missing(session: Session, clock: Clock) -> None:
    session.enqueue_many(3)
    lost = session.claim(lease="1 s")[0]
    clock.advance(seconds=2)
    session.reap()
    kept = [session.claim()[0].claim for _ in range(2)]

    rows = session.extend(lost.claim, *kept, 12345)

    assert sorted(row.claim for row in rows) == sorted(kept)


def test_a_finished_claim_cannot_be_extended(session: Session) -> None:
    session.enqueue()
    held = session.claim()
    session.finish(held)

    assert session.extend(held[0].claim) == []


def test_an_expired_lease_nobody_took_can_be_saved(session: Session, clock: Clock) -> None:
    session.enqueue()
    held = session.claim(lease="1 s")[0]
    clock.advance(minutes=1)

    assert len(session.extend(held.claim)) == 1
    assert session.reap() == 0


def test_extending_tells_what_is_to_be_cancelled(session: Session) -> None:
    jobs = session.enqueue_many(3)
    held = session.claim(max_jobs=3)
    session.call("cancel", job=jobs[1])

    assert session.extend(held[0].claim)[0].cancelled == [jobs[1]]


@pytest.mark.parametrize("lease", [None, "0", "-1 hour", "0.5 s"])
def test_a_lease_under_a_second_is_refused(session: Session, lease: str | None) -> None:
    session.enqueue()
    held = session.claim()[0]

    with pytest.raises(psycopg.Error, match=r"lease .* is under one second") as refusal:
        session.call("extend", claims=[held.claim], lease=lease)

    assert refusal.value.sqlstate == "PQ002"
    assert session.get(held.job).expires_at == held.expires_at


@pytest.mark.parametrize("claims", [[], None, [None]])
def test_no_claims_are_no_error(session: Session, claims: list[int] | None) -> None:
    assert session.call("extend", claims=claims, lease="1 minute") == []


def test_a_lease_being_reaped_is_lost(
    session: Session, other: Session, open_session: OpenSession, clock: Clock
) -> None:
    session.enqueue()
    held = session.claim(lease="1 s")[0]
    clock.advance(seconds=2)

    with session.transaction():
        session.reap()
        late = InBackground(open_session(patient=True), "extend", claims=[held.claim], lease="1 minute")
        late.wait_until_blocked(other)

    assert late.rows() == []


def test_the_reaper_passes_over_a_lease_being_extended(
    session: Session, other: Session, clock: Clock
) -> None:
    session.enqueue()
    held = session.claim(lease="1 s")[0]
    clock.advance(seconds=2)

    with session.transaction():
        session.extend(held.claim)
        assert other.reap() == 0

    assert other.reap() == 0
    assert session.get(held.job).state == "running"


def test_two_who_extend_the_same_leases_never_deadlock(
    session: Session, other: Session, open_session: OpenSession
) -> None:
    session.enqueue_many(2)
    first, second = session.claim()[0], session.claim()[0]

    with session.transaction():
        session.extend(first.claim)
        late = InBackground(
            open_session(patient=True), "extend", claims=[second.claim, first.claim], lease="1 m"
        )
        late.wait_until_blocked(other)
        session.extend(second.claim)

    assert len(late.rows()) == 2
