"""Tests that a running job's progress is told, the newest word first."""

from typing import Any

import psycopg
import pytest

from tests.sql.session import Clock, Session


def report(
    session: Session, job: int | None, fraction: float | None, attempt: int = 1, note: str | None = None
) -> None:
    """One report of one job."""
    values = {"jobs": [job], "attempts": [attempt], "fractions": [fraction], "notes": [note]}
    session.call("report_progress", **values)


def test_the_newest_report_is_the_one_shown(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    session.claim()
    for fraction in (0.25, 0.5):
        report(session, job, fraction, note=f"at {fraction}")
        clock.advance(seconds=1)

    found = session.get(job)

    assert (found.fraction, found.note) == (0.5, "at 0.5")
    assert session.count("progress") == 2


def test_a_later_attempt_is_told_instead_of_an_earlier(session: Session, clock: Clock) -> None:
    job = session.enqueue()
    report(session, job, 0.9)
    clock.advance(seconds=1)
    report(session, job, 0.1, attempt=2)

    assert round(session.get(job).fraction, 3) == 0.1


def test_many_jobs_report_at_once(session: Session) -> None:
    jobs = session.enqueue_many(3)

    values: dict[str, Any] = {
        "jobs": jobs,
        "attempts": [1] * 3,
        "fractions": [0.0, 0.5, 1.0],
        "notes": [None] * 3,
    }
    session.call("report_progress", **values)

    assert [session.get(job).fraction for job in jobs] == [0, 0.5, 1]


def test_a_long_note_is_cut(session: Session) -> None:
    job = session.enqueue()

    report(session, job, 0.5, note="x" * 5000)

    assert len(session.get(job).note) == 1000


def test_what_is_no_fraction_is_refused(session: Session) -> None:
    job = session.enqueue()

    for fraction in (-0.1, 1.1, None, float("nan")):
        with pytest.raises(psycopg.IntegrityError):
            report(session, job, fraction)

    assert session.count("progress") == 0


def test_nothing_to_report_is_no_error(session: Session) -> None:
    session.call("report_progress", jobs=[], attempts=[], fractions=[], notes=[])

    assert session.count("progress") == 0
