"""Drives the ways of reporting against each other on the same claims: no deadlock, no job lost or doubled.

A wrong lock order shows up as a deadlock in some of these rounds; a right one never does.
"""

import random
import threading
from collections.abc import Callable

import psycopg
import pytest

from tests.sql.conftest import OpenSession
from tests.sql.session import Row, Session

ROUNDS = 12
Deed = Callable[[Session, list[Row]], object]


def report(session: Session, held: list[Row]) -> None:
    """All jobs of all claims, each in its own way, the claims in whatever order."""
    session.finish(held, *[random.choice(["succeeded", "failed", "returned", "dead"]) for _ in held])


def report_whole(session: Session, held: list[Row]) -> None:
    """Every claim as a success, the later one first."""
    session.call("finish_all", claims=sorted({row.claim for row in held}, reverse=True))


def extend(session: Session, held: list[Row]) -> None:
    """Every claim, the later one first."""
    session.extend(*sorted({row.claim for row in held}, reverse=True))


def complete(session: Session, held: list[Row]) -> None:
    """One job in a transaction of its own."""
    session.complete(random.choice(held))


def complete_and_work_on(session: Session, held: list[Row]) -> None:
    """A claim's jobs one after the other in one transaction, as they were claimed."""
    with session.transaction():
        for row in held:
            if row.claim == held[0].claim:
                session.complete(row)


def reap(session: Session, held: list[Row]) -> None:
    """As if their worker had died."""
    session.reap(dead=[7])


DEEDS: dict[str, Deed] = {
    "finish": report,
    "finish_all": report_whole,
    "extend": extend,
    "complete": complete,
    "complete_in_turn": complete_and_work_on,
    "reap": reap,
}
WHERE_THEY_ARE = """
    select
        jobs.id,
        (select count(*) from pgqueue.waiting where waiting.id = jobs.id)
        + (
            select count(*)
            from pgqueue.held
            where held.job = jobs.id
                and not exists (
                    select from pgqueue.attempts
                    where attempts.job_id = jobs.id and attempts.claim_id = held.claim
                )
        )
        + (
            select count(*)
            from pgqueue.attempts
            where attempts.job_id = jobs.id and attempts.state in ('succeeded', 'dead', 'cancelled')
        ) as places
    from pgqueue.bodies as jobs
"""


def at_once(first: tuple[Session, str], second: tuple[Session, str], held: list[Row]) -> list[BaseException]:
    """Do both at the same moment; what went wrong beyond a lost lease."""
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def run(session: Session, deed: str) -> None:
        mine = random.sample(held, len(held)) if deed == "finish" else held
        barrier.wait()
        try:
            DEEDS[deed](session, mine)
        except psycopg.Error as error:
            if error.sqlstate != "PQ001":
                errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("rival", sorted(DEEDS))
@pytest.mark.parametrize("deed", ["finish", "finish_all", "complete"])
def test_reports_of_the_same_claims_neither_deadlock_nor_double(
    session: Session, open_session: OpenSession, deed: str, rival: str
) -> None:
    one, two = open_session(patient=True), open_session(patient=True)
    for name in ("claim", "finish", "finish_all", "complete", "extend", "reap"):
        one.types(name)
        two.types(name)

    errors: list[BaseException] = []
    for number in range(ROUNDS):
        session.enqueue_many(1 + number % 4, max_attempts=[1])
        held = [row for _ in range(2) for row in session.claim(max_jobs=2, worker=7)]
        errors += at_once((one, deed), (two, rival), held)

    assert errors == []
    assert [row.id for row in session.run(WHERE_THEY_ARE) if row.places != 1] == []
