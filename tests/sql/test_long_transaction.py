"""Tests that no statement gets dearer by what dies while a transaction holds the horizon.

Work is compared by buffers touched, never by time.
"""

from collections.abc import Iterator

import pytest

from tests.sql.horizon import cost, kill_claims, pinned
from tests.sql.session import Session

DEAD = 20_000
ROOM = 1.5
SLACK_BUFFERS = 20  # an index that grew a level


@pytest.fixture(autouse=True)
def horizon(dsn: str) -> Iterator[None]:
    with pinned(dsn):
        yield


def is_flat(fresh: int, after: int) -> bool:
    return after <= ROOM * fresh + SLACK_BUFFERS


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
    session.run("update pgqueue.claims set expires_at = pgqueue.now() - interval '1 s' where id % 2 = 0")
    fresh = cost(session, statement)
    kill_claims(session, DEAD, ago="10 minutes", worker=8)

    after = cost(session, statement)

    assert is_flat(fresh, after), (fresh, after)
