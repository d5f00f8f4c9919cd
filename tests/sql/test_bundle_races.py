"""Tests of two who want jobs of one bundle at once: none is lost or doubled, and whoever sleeps is rung.

A row of ready stands for up to 64 jobs: while one of them is locked, so are the others.
"""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg
import pytest

from pgqueue import Lease
from pgqueue.calls.claim import claim
from pgqueue.drivers import psycopg as driver
from pgqueue.floors import Floors
from tests.sql.bundles import FEW, ids_of, successes, waiting
from tests.sql.conftest import OpenSession
from tests.sql.session import Clock, Session
from tests.sql.windows import only_windows_of_now
from tests.worker.deliveries import Clock as SteadyClock

LEASE = dt.timedelta(minutes=1)
# The moment between a claim's number and its look, drawn out.
WAITING_NEXT_ID = """
    create or replace function pgqueue.next_id(moment timestamptz)
    returns bigint
    language plpgsql
    as $$
    begin
        if current_setting('application_name') = 'looker' then
            perform pg_advisory_lock_shared(77);
        end if;
        return pgqueue.first_id(moment) | ((nextval('pgqueue.id_sequence') & 16383) << 6);
    end
    $$
"""


@pytest.fixture
def sleeper(open_session: OpenSession) -> Session:
    """A session that keeps watch over two queues and holds their bells."""
    session = open_session()
    assert len(session.call("take_watch", queues=["mail", "reports"])) == 2
    assert len(session.call("arm", queues=["mail", "reports"])) == 2
    return session


def heard(session: Session) -> list[str]:
    """The notifications that came in so far."""
    session.run("select 1")
    return [note.payload for note in session.connection.notifies(timeout=0.0)]


# Two claims


def test_a_second_claim_passes_by_a_bundle_until_the_first_has_committed(
    session: Session, other: Session
) -> None:
    jobs = session.enqueue_many(FEW)

    with session.transaction():
        first = session.claim(max_jobs=4)
        assert other.claim(max_jobs=FEW) == []
    second = other.claim(max_jobs=FEW)

    assert (ids_of(first), ids_of(second)) == (jobs[:4], jobs[4:])


def test_a_claim_that_was_rolled_back_leaves_the_bundle_whole(session: Session, other: Session) -> None:
    jobs = session.enqueue_many(FEW)

    with session.transaction():
        session.claim(max_jobs=4)
        raise psycopg.Rollback

    assert session.count("ready") == 1
    assert ids_of(other.claim(max_jobs=FEW)) == jobs


def test_a_second_claim_takes_what_lies_behind_a_locked_bundle(session: Session, other: Session) -> None:
    first, second = session.enqueue_many(FEW), session.enqueue_many(FEW)

    with session.transaction():
        session.claim(max_jobs=1)
        assert ids_of(other.claim(max_jobs=3)) == second[:3]

    assert ids_of(other.claim(max_jobs=FEW)) == [*first[1:], second[3]]


@pytest.mark.parametrize("limit", [1, 9])
def test_what_is_left_of_a_bundle_rings_for_whoever_sleeps(
    session: Session, sleeper: Session, limit: int
) -> None:
    jobs = session.enqueue_many(FEW, ring=False)

    with session.transaction():
        session.claim(max_jobs=limit)
        assert sleeper.claim(max_jobs=FEW) == []
        assert heard(sleeper) == []

    assert heard(sleeper) == ["wake mail"]
    assert ids_of(sleeper.claim(max_jobs=FEW)) == jobs[limit:]


def test_a_claim_that_takes_a_bundle_whole_rings_for_nobody(session: Session, sleeper: Session) -> None:
    session.enqueue_many(FEW, ring=False)

    session.claim(max_jobs=FEW)
    session.claim(max_jobs=FEW)

    assert heard(sleeper) == []


def test_a_claim_that_leaves_something_keeps_others_from_lying_down(
    session: Session, sleeper: Session
) -> None:
    session.enqueue_many(FEW, ring=False)
    sleeper.call("disarm", queues=["mail", "reports"])

    with session.transaction():
        session.claim(max_jobs=1)
        assert sleeper.call("arm", queues=["mail"]) == []

    assert sleeper.call("arm", queues=["mail"]) == [("mail",)]


def test_rows_that_a_claim_locked_and_did_not_need_ring_too(session: Session, sleeper: Session) -> None:
    """After a single it guesses that singles follow, and locks more bundles than it takes from."""
    single = session.enqueue(ring=False)
    jobs = session.enqueue_many(300, ring=False)
    reports = session.enqueue_many(100, queues=["reports"], ring=False)

    with session.transaction():
        held = session.claim("mail", "reports", max_jobs=14)
        assert ids_of(held) == [single, *jobs[:13]]
        seen = sleeper.claim("mail", "reports", max_jobs=1000)

    words = heard(sleeper)
    assert "wake mail" in words
    rest = sleeper.claim("mail", "reports", max_jobs=1000)
    assert sorted(ids_of(seen) + ids_of(rest)) == sorted([*jobs[13:], *reports])
    if set(reports) - set(ids_of(seen)):
        assert "wake reports" in words


@pytest.mark.parametrize("rolls_back", [False, True])
def test_claimers_beside_each_other_lose_and_double_no_job(
    session: Session, open_session: OpenSession, rolls_back: bool
) -> None:
    jobs = session.enqueue_many(1500) + [session.enqueue() for _ in range(10)]
    claimers = [open_session(patient=True) for _ in range(4)]
    taken: list[list[int]] = [[] for _ in claimers]

    def work(number: int) -> None:
        claimer = claimers[number]
        while waiting(claimer):
            if rolls_back:
                with claimer.transaction():
                    claimer.claim(max_jobs=5)
                    raise psycopg.Rollback
            held = claimer.claim(max_jobs=[1, 7, 64, 50][number])
            if held:
                taken[number] += ids_of(held)
                assert claimer.finish(held) == []

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(job for each in taken for job in each) == jobs
    assert successes(session) == Counter(jobs)
    assert (session.count("ready"), session.count("claims")) == (0, 0)


def test_enqueuers_beside_each_other_get_ids_of_their_own(
    session: Session, open_session: OpenSession
) -> None:
    enqueuers = [open_session() for _ in range(4)]
    found: list[int] = []

    def work(enqueuer: Session) -> None:
        for count in (1000, 1, 65, 300):
            found.extend(enqueuer.enqueue_many(count))

    threads = [threading.Thread(target=work, args=(each,)) for each in enqueuers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4 * 1366
    assert waiting(session) == sorted(found, key=waiting(session).index)
    assert len(set(found)) == len(found)


# Floors


class Claimer:
    """One that claims as a worker does, with floors, and a steady clock in the test's hands."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.clock = SteadyClock()
        self.floors = Floors(["mail"], clock=self.clock)

    def claim(self, limit: int = 1, *, is_unsure: bool = False) -> Lease:
        look = self.floors.look(["mail"], is_unsure=is_unsure)
        asked = claim(["mail"], max_jobs=limit, lease=LEASE, floors=look.floors, marked=look.is_marked)
        lease = driver.run(self.connection, asked, "pgqueue")
        self.floors.learn(look, lease)
        return lease


@pytest.fixture
def claimer(dsn: str) -> Iterator[Claimer]:
    made = Claimer(dsn)
    yield made
    made.connection.close()


@pytest.fixture
def elapse(session: Session, claimer: Claimer) -> Callable[[float], None]:
    """Moves the database's clock and the claimer's."""
    clock = Clock(session)

    def move(seconds: float) -> None:
        clock.advance(seconds=seconds)
        claimer.clock.advance(seconds)

    return move


def test_the_rest_of_an_old_bundle_is_found_within_a_second_of_the_claim_that_left_it(
    session: Session, other: Session, claimer: Claimer, elapse: Callable[[float], None]
) -> None:
    """It appears late, far below the floors of whoever looked while it was locked."""
    jobs = session.enqueue_many(FEW)
    elapse(1000)
    with session.transaction():
        session.claim(max_jobs=4)
        assert claimer.claim(FEW, is_unsure=True).claim is None

    elapse(0.1)
    found: list[int] = []
    for _ in range(2):
        elapse(1)
        found += [each.id for each in claimer.claim(FEW, is_unsure=True).deliveries]

    assert found == jobs[4:]


@pytest.mark.parametrize("other_work", [False, True])
def test_whoever_passes_by_a_locked_bundle_goes_on_looking_for_its_rest(
    session: Session, other: Session, claimer: Claimer, elapse: Callable[[float], None], other_work: bool
) -> None:
    """However often, and whatever else he finds: else the rest would lie below all he looks at."""
    jobs = session.enqueue_many(FEW)
    elapse(1000)
    passing: list[Lease] = []
    for _ in range(4):
        with session.transaction():
            session.claim(max_jobs=1)
            if other_work:
                other.enqueue()
            passing.append(claimer.claim(1 if other_work else FEW, is_unsure=True))
        elapse(1)
    found = claimer.claim(FEW, is_unsure=True)
    elapse(1)
    nothing_left = claimer.claim(FEW, is_unsure=True)

    assert [lease.claim is not None for lease in passing] == [other_work] * 4
    assert all(lease.sight.transaction is None for lease in passing)
    assert [each.id for each in found.deliveries] == jobs[4:]
    assert nothing_left.sight.transaction is not None


def test_the_rest_is_found_though_its_claim_began_after_the_look_that_missed_it(
    session: Session, open_session: OpenSession, claimer: Claimer, elapse: Callable[[float], None]
) -> None:
    """The look has its number, then the claim begins and locks the bundle, then the look passes it by."""
    jobs = session.enqueue_many(FEW)
    elapse(1000)
    gate, rival = open_session(), open_session()
    gate.run("select pg_advisory_lock(77)")
    session.run(WAITING_NEXT_ID)
    claimer.connection.execute("set application_name = 'looker'")
    looking = threading.Thread(target=claimer.claim, args=(FEW,), kwargs={"is_unsure": True})
    looking.start()
    while not session.value(
        "select cardinality(pg_blocking_pids(%s)) > 0", claimer.connection.info.backend_pid
    ):
        assert looking.is_alive()

    with rival.transaction():
        taken = ids_of(rival.claim(max_jobs=4))
        gate.run("select pg_advisory_unlock(77)")
        looking.join()
    for _ in range(2):
        elapse(1)
        taken += [each.id for each in claimer.claim(FEW, is_unsure=True).deliveries]

    assert taken == jobs


# Moves


@pytest.mark.parametrize("call", ["run_now", "reprioritise"])
def test_a_move_and_a_claim_pass_by_what_the_other_has_locked(
    session: Session, other: Session, clock: Clock, call: str
) -> None:
    jobs = session.enqueue_many(FEW)
    clock.advance(seconds=1)
    options = {"priority": 1} if call == "reprioritise" else {}

    with session.transaction():
        session.claim(max_jobs=2)
        assert other.call(call, jobs=jobs[5:7], **options) == []
    with session.transaction():
        session.call(call, jobs=jobs[5:7], **options)
        assert other.claim(max_jobs=FEW) == []

    assert sorted(ids_of(other.claim(max_jobs=FEW))) == jobs[2:]


@pytest.mark.parametrize("call", ["run_now", "reprioritise"])
def test_a_move_that_moves_nothing_rings_for_the_bundle_it_locked(
    session: Session, sleeper: Session, clock: Clock, call: str
) -> None:
    jobs = session.enqueue_many(FEW, ring=False)
    clock.advance(seconds=1)
    options = {"priority": 5} if call == "reprioritise" else {}

    with session.transaction():
        assert session.call(call, jobs=jobs[5:6], **options) == []
        assert sleeper.claim(max_jobs=FEW) == []

    assert heard(sleeper) == ["wake mail"]


# Maintenance


def test_a_window_is_not_dropped_under_a_claim_that_splits_a_bundle_of_it(
    session: Session, other: Session, clock: Clock
) -> None:
    only_windows_of_now(session)
    jobs = session.enqueue_many(FEW)
    clock.advance(hours=1)
    session.call("make_partitions")
    old = next(row for row in session.call("past_windows") if row.parent == "ready")

    with session.transaction():
        held = session.claim(max_jobs=4)
        assert other.call("drop_window", parent="ready", name=old.name)[0][0] in ("needed", "locked")
    assert other.call("drop_window", parent="ready", name=old.name)[0][0] == "dropped"

    assert ids_of(held) + ids_of(other.claim(max_jobs=FEW)) == jobs
