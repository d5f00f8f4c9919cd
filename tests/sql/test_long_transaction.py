"""Tests that no statement gets dearer by what dies while a transaction holds the horizon.

Work is compared by buffers touched, never by time.
"""

from collections.abc import Iterator

import pytest

from tests.sql.horizon import cost, end_many, kill_claims, pinned
from tests.sql.session import Session

DEAD = 10_000
ROOM = 1.5
DEEPER = 2.0  # a probe for each job, in an index that grew from one level to two
SLACK_BUFFERS = 20


@pytest.fixture(autouse=True)
def horizon(dsn: str) -> Iterator[None]:
    with pinned(dsn):
        yield


def is_flat(fresh: int, after: int, room: float = ROOM) -> bool:
    return after <= room * fresh + SLACK_BUFFERS


REAPS = {
    "what expired lately": "select pgqueue.reap(reach => interval '10 s')",
    "of a dead worker": "select pgqueue.reap(reach => interval '10 s', dead => '{7}')",
    "what a worker does not know": "select pgqueue.disown(7, '{1}')",
}


@pytest.mark.parametrize("statement", REAPS.values(), ids=REAPS)
def test_taking_back_does_not_walk_what_has_ended(session: Session, statement: str) -> None:
    session.enqueue_many(2)
    session.claim(worker=7, lease="1 hour")
    session.claim(worker=7, lease="1 hour")
    session.run(
        "update pgqueue.claims set expires_at = pgqueue.now() - interval '1 s'"
        " where id = (select min(id) from pgqueue.claims)"
    )
    fresh = cost(session, statement)
    kill_claims(session, DEAD, ago="10 minutes", worker=8)

    after = cost(session, statement)

    assert is_flat(fresh, after), (fresh, after)


HOLDERS = {
    "extend": "select * from pgqueue.extend(array[%(claim)s::bigint], '1 minute')",
    "finish one": "select * from pgqueue.finish(array[%(claim)s::bigint], array[%(job)s::bigint])",
    "fail one": "select * from pgqueue.finish(array[%(claim)s::bigint], array[%(job)s::bigint], '{failed}')",
    "finish_all": "select * from pgqueue.finish_all(array[%(claim)s::bigint])",
    "complete": "select pgqueue.complete(%(claim)s, %(job)s)",
}


@pytest.mark.parametrize("is_analysed", [False, True], ids=["none", "all dead"])
def test_what_is_done_with_a_claim_does_not_walk_those_that_have_ended(
    session: Session, is_analysed: bool
) -> None:
    """Nor the history, which is all alive."""
    session.enqueue_each(200)
    held = session.claim(max_jobs=100)[0]
    values = {"claim": held.claim, "job": held.job}
    fresh = {name: cost(session, statement, values) for name, statement in HOLDERS.items()}
    kill_claims(session, DEAD, ago="10 minutes")
    if is_analysed:
        session.run("analyze")
    end_many(session, 3 * DEAD)

    after = {name: cost(session, statement, values) for name, statement in HOLDERS.items()}

    dearer = {name: after[name] for name in HOLDERS if not is_flat(fresh[name], after[name], DEEPER)}
    assert dearer == {}, fresh


STATS = {
    "queue_stats": "select * from pgqueue.queue_stats()",
    "worker_stats": "select * from pgqueue.worker_stats()",
}


@pytest.mark.parametrize("statement", STATS.values(), ids=STATS)
def test_telling_what_is_held_does_not_walk_the_claims_that_have_ended(
    session: Session, statement: str
) -> None:
    session.enqueue_each(20)
    session.claim(max_jobs=10, worker=7, lease="1 hour")
    fresh = cost(session, statement)
    kill_claims(session, DEAD, ago="10 minutes", worker=8)

    after = cost(session, statement)

    assert is_flat(fresh, after), (fresh, after)
