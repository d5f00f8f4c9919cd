"""Tests of the duty: one worker has it, a deputy follows, and a frozen one can be replaced."""

from typing import Any

from tests.sql.conftest import OpenSession
from tests.sql.session import Row, Session


def take(session: Session, **held: Any) -> Row:
    """Where the session stands now."""
    return session.call("take_duty", **held)[0]


def test_one_is_on_duty_the_next_its_deputy_and_the_rest_neither(
    session: Session, other: Session, open_session: OpenSession
) -> None:
    stands = [take(each) for each in (session, other, open_session())]

    assert [(row.is_on_duty, row.is_deputy) for row in stands] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_who_holds_the_duty_keeps_it(session: Session, other: Session) -> None:
    term = take(session).term
    take(other)

    again = take(session, duty=term)

    assert (again.term, again.is_on_duty, again.is_deputy) == (term, True, False)


def test_the_deputy_follows_and_makes_room_for_another(
    session: Session, other: Session, open_session: OpenSession
) -> None:
    holder = open_session()
    take(holder)
    term = take(session).term
    holder.close()
    wait_until_released(other, term)

    promoted = take(session, deputy=term)
    next_deputy = take(other)

    assert (promoted.is_on_duty, promoted.is_deputy) == (True, False)
    assert (next_deputy.is_on_duty, next_deputy.is_deputy) == (False, True)


def test_a_silent_holder_is_replaced_though_its_session_lives(session: Session, other: Session) -> None:
    term = take(session).term
    take(other)

    assert other.call("end_duty", term=term)[0][0]
    follower = take(other, deputy=term)

    assert (follower.term, follower.is_on_duty, follower.is_deputy) == (term + 1, True, False)
    woken = take(session, duty=term)
    assert (woken.term, woken.is_on_duty, woken.is_deputy) == (term + 1, False, True)


def test_who_was_replaced_lets_everything_of_the_old_term_go(session: Session, other: Session) -> None:
    term = take(session).term
    take(other)
    session.call("end_duty", term=term)
    take(session, duty=term)
    take(other, deputy=term)

    assert session.value("select count(*) from pg_catalog.pg_locks where locktype = 'advisory'") == 2


def test_of_several_who_saw_the_silence_one_ends_the_term(session: Session, other: Session) -> None:
    term = take(session).term
    with session.transaction():
        assert session.call("end_duty", term=term)[0][0]
        assert not other.call("end_duty", term=term)[0][0]

    assert not other.call("end_duty", term=term)[0][0]
    assert not other.call("end_duty", term=None)[0][0]
    assert take(other).term == term + 1


def test_beats_are_counted_for_all_to_see(session: Session, other: Session) -> None:
    session.call("beat_duty")
    before = other.call("duty_beats")[0][0]

    assert session.call("beat_duty")[0][0] == before + 1
    assert (other.call("duty_beats")[0][0], take(other).beats) == (before + 1, before + 1)


def test_the_size_of_the_fleet_is_told(session: Session, other: Session) -> None:
    for worker in (7, 8):
        values = {"queues": ["mail"], "host": "here", "process_id": 1, "version": "0"}
        session.call("join_workers", worker=worker, **values)

    assert take(other).workers == 2


def test_nothing_dies_of_the_duty(session: Session) -> None:
    """Done every second for ever, it must leave nothing for vacuum to clear up."""
    term = take(session).term
    for _ in range(100):
        session.call("beat_duty")
        take(session, duty=term)
    session.call("end_duty", term=term)
    session.run("select pg_stat_force_next_flush()")

    dead = session.run(
        "select relname from pg_catalog.pg_stat_user_tables where n_dead_tup > 0 or n_tup_upd > 0"
    )

    assert [row.relname for row in dead if row.relname != "installation"] == []


def wait_until_released(observer: Session, term: int) -> None:
    """The server clears up behind a cut session."""
    while not observer.value("select pg_try_advisory_lock_shared(pgqueue.duty_key(%s))", term):
        pass
    observer.value("select pg_advisory_unlock_shared(pgqueue.duty_key(%s))", term)
