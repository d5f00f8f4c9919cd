"""Tests of the error tree: it is drawn as it is, and the server's codes find their errors."""

import re

import pytest

import pgqueue
from pgqueue import errors
from pgqueue.drivers.failures import message_of, sqlstate_of, translated


class Server(Exception):
    """As a driver raises it."""

    sqlstate = "PQ001"
    message = "claim 1 no longer holds job 2"
    hint = "Roll back."


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    real = {name for name, kind in vars(errors).items() if isinstance(kind, type)} - {"PgQueueError"}

    assert set(drawn) == real
    assert all(issubclass(getattr(errors, name), errors.PgQueueError) for name in drawn)
    assert all(hasattr(pgqueue, name) for name in drawn)


@pytest.mark.parametrize(("code", "kind"), errors.BY_SQLSTATE.items())
def test_every_code_has_its_error(code: str, kind: type[Exception]) -> None:
    assert type(errors.from_sqlstate(code, "words", "pgqueue")) is kind


@pytest.mark.parametrize("code", [None, "", "23505", "PQ999"])
def test_other_codes_are_left_alone(code: str | None) -> None:
    assert errors.from_sqlstate(code, "words", "pgqueue") is None


def test_a_missing_installation_says_how_to_mend_it() -> None:
    error = errors.from_sqlstate("42883", "function does not exist", "elsewhere")

    assert "schema 'elsewhere'" in str(error)
    assert "pgqueue migrate" in str(error)


def test_the_code_is_found_however_the_error_is_wrapped() -> None:
    by_orig = Exception()
    by_orig.orig = Server()  # type: ignore[attr-defined]
    by_cause = Exception()
    by_cause.__cause__ = by_orig

    assert sqlstate_of(by_cause) == "PQ001"
    assert message_of(by_cause) == "claim 1 no longer holds job 2. Roll back."
    assert sqlstate_of(ValueError("none")) is None


def test_ours_is_raised_from_theirs() -> None:
    theirs = Server()

    with pytest.raises(errors.LeaseLost, match="no longer holds") as caught, translated("pgqueue"):
        raise theirs

    assert caught.value.__cause__ is theirs


def test_what_is_not_ours_passes_untouched() -> None:
    theirs = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError) as caught, translated("pgqueue"):
        raise theirs

    assert caught.value is theirs
