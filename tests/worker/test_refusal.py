"""Tests of what a refusal means for what was said."""

import psycopg
import pytest
from psycopg import errors

from pgqueue.errors import InvalidJob, NotInstalled
from pgqueue.worker.refusal import Refusal, refusal_of


def ours(code: str, kind: type[Exception]) -> Exception:
    """An error of ours, as the driver raises it for the server's code."""
    error = kind("x")
    error.__cause__ = errors.lookup("PQ001" if code == "?" else code)() if code[:2] != "PQ" else coded(code)
    return error


def coded(code: str) -> psycopg.Error:
    error = psycopg.DatabaseError("x")
    error.sqlstate = code
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.UntranslatableCharacter(), Refusal.OURS),
        (errors.CheckViolation(), Refusal.OURS),
        (errors.ProgramLimitExceeded(), Refusal.OURS),
        (psycopg.DataError("text fields cannot contain NUL"), Refusal.OURS),
        (ours("PQ002", InvalidJob), Refusal.OURS),
        (errors.LockNotAvailable(), Refusal.BLOCKED),
        (errors.DeadlockDetected(), Refusal.BLOCKED),
        (errors.SerializationFailure(), Refusal.BLOCKED),
        (errors.DiskFull(), Refusal.THEIRS),
        (errors.ReadOnlySqlTransaction(), Refusal.THEIRS),
        (errors.QueryCanceled(), Refusal.THEIRS),
        (errors.FeatureNotSupported(), Refusal.THEIRS),
        (ours("42883", NotInstalled), Refusal.THEIRS),
        (psycopg.InterfaceError("x"), Refusal.THEIRS),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_a_refusal_is_judged_by_its_code(error: Exception, kind: Refusal) -> None:
    assert refusal_of(error) is kind
