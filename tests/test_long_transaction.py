"""Tests of claims while a transaction holds the horizon, and of what becomes visible late.

Work is compared by buffers touched, never by time.
"""

import datetime as dt
from collections.abc import Callable, Iterator

import psycopg
import pytest

from pgqueue import Lease
from pgqueue.calls.claim import claim
from pgqueue.calls.finish import finish_all
from pgqueue.drivers import psycopg as driver
from pgqueue.floors import Floors, Look
from tests.sql.horizon import cost, pinned
from tests.sql.session import Clock, Session
from tests.worker.deliveries import Clock as SteadyClock

pytestmark = pytest.mark.every_postgres

DEAD = 20_000
ROOM = 1.5
SLACK_BUFFERS = 20  # an index that grew a level
MINUTE = dt.timedelta(minutes=1)


class Claimer:
    """One that claims as a client does, with a steady clock in the test's hands."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.session = Session(self.connection)
        self.clock = SteadyClock()
        self.floors = Floors(["mail"], clock=self.clock)

    def claim(self, limit: int = 1, *, is_unsure: bool = False) -> Lease:
        look = self.floors.look(["mail"], is_unsure=is_unsure)
        asked = claim(["mail"], max_jobs=limit, lease=MINUTE, floors=look.floors, marked=look.is_marked)
        lease = driver.run(self.connection, asked, "pgqueue")
        self.floors.learn(look, lease)
        return lease

    def drain(self, left: int) -> None:
        """Claim and finish all but so many."""
        while (waiting := self.session.count("waiting")) > left:
            held = self.claim(min(500, waiting - left))
            assert held.claim is not None
            driver.run(self.connection, finish_all([held.claim]), "pgqueue")

    def cost(self, look: Look) -> int:
        """What a claim of one job costs that begins there."""
        moments, ids = [each and each[0] for each in look.floors], [each and each[1] for each in look.floors]
        return cost(
            self.session,
            "select * from pgqueue.claim('{mail}', floors => %s::timestamptz[], floor_ids => %s::bigint[])",
            moments,
            ids,
        )


@pytest.fixture
def claimer(dsn: str) -> Iterator[Claimer]:
    made = Claimer(dsn)
    yield made
    made.session.close()


@pytest.fixture
def session(dsn: str) -> Iterator[Session]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield Session(connection)


def is_flat(fresh: int, after: int) -> bool:
    return after <= ROOM * fresh + SLACK_BUFFERS


def usual(claimer: Claimer) -> Look:
    return claimer.floors.look(["mail"])


def before_sleep(claimer: Claimer) -> Look:
    """As a worker looks that has just armed."""
    look = claimer.floors.look(["mail"], is_unsure=True)
    assert look.is_marked
    return look


@pytest.mark.parametrize("looks", [usual, before_sleep])
def test_a_claim_does_not_walk_what_was_claimed_before(
    dsn: str, claimer: Claimer, looks: Callable[[Claimer], Look]
) -> None:
    """All of it became due at one moment."""
    with pinned(dsn):
        claimer.session.enqueue_each(20)
        claimer.claim()
        fresh = claimer.cost(usual(claimer))
        claimer.session.enqueue_each(DEAD)
        claimer.drain(20)
        claimer.clock.advance(0.9)
        claimer.claim(is_unsure=True)

        after = claimer.cost(looks(claimer))

        assert is_flat(fresh, after), (fresh, after)
        everything = claimer.cost(Floors(["mail"]).look(["mail"]))
        assert everything > 2 * after  # else nothing was in the way


@pytest.fixture
def elapse(claimer: Claimer) -> Callable[[float], None]:
    """Moves the database's clock and the claimer's."""
    clock = Clock(claimer.session)

    def move(seconds: float) -> None:
        clock.advance(seconds=seconds)
        claimer.clock.advance(seconds)

    return move


def test_what_a_long_transaction_enqueued_is_found_once_it_commits(
    claimer: Claimer, session: Session, elapse: Callable[[float], None]
) -> None:
    claimer.claim()
    with session.transaction():
        job = session.enqueue()
        for _ in range(20):
            other = claimer.session.enqueue()
            elapse(31)
            assert [each.id for each in claimer.claim(2)] == [other]
    elapse(1)

    assert [each.id for each in claimer.claim()] == [job]


def test_what_a_claim_held_that_was_rolled_back_is_found_again(
    claimer: Claimer, session: Session, elapse: Callable[[float], None]
) -> None:
    claimer.claim()
    job = session.enqueue()
    with session.transaction():
        assert [row.job for row in session.claim()] == [job]
        for _ in range(20):
            elapse(31)
            assert claimer.claim().claim is None
        raise psycopg.Rollback
    elapse(1)

    assert [each.id for each in claimer.claim()] == [job]


def test_what_waited_in_a_paused_queue_is_found_when_it_is_resumed(
    claimer: Claimer, session: Session, elapse: Callable[[float], None]
) -> None:
    claimer.claim()
    job = session.enqueue()
    session.call("pause", queue="mail")
    elapse(31)
    assert claimer.claim().claim is None

    session.call("resume", queue="mail")

    assert [each.id for each in claimer.claim()] == [job]
